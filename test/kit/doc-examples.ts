import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block of a text file, or of a doc comment. */
export interface DocExample {
  /** The language after the fence: `ts`, `sh`, `json`. */
  readonly language: string
  readonly file: string
  /** Line of the fence, from 1. */
  readonly line: number
  readonly code: string
}

const TEXTS = ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'packages/*/*.md']
const SOURCES = ['packages/*/src/**/*.{ts,tsx}']
const FENCE = /^( *)```(\w+)[^\n]*\n([\s\S]*?)^\1```$/gm
const DOC_COMMENT = /\/\*\*[\s\S]*?\*\//g

/** Every fenced block of README, docs/ and the packages' doc comments. */
export function docExamples(root: string): DocExample[] {
  const find = (patterns: string[]) =>
    globSync(patterns, { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path) }).sort()
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  return [
    ...find(TEXTS).flatMap((file) => blocks(read(file), file, 1)),
    ...find(SOURCES).flatMap((file) => blocksOfComments(read(file), file)),
  ]
}

function blocks(text: string, file: string, firstLine: number): DocExample[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const [, indent, language, body] = match
    const code = body!.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    return { language: language!, file, line: firstLine + lines(text.slice(0, match.index)), code }
  })
}

function blocksOfComments(source: string, file: string): DocExample[] {
  return [...source.matchAll(DOC_COMMENT)].flatMap((match) =>
    blocks(match[0].replaceAll(/^\s*\* ?/gm, ''), file, 1 + lines(source.slice(0, match.index))),
  )
}

function lines(text: string): number {
  return text.split('\n').length - 1
}
