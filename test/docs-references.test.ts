import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SETTING_NAMES } from '@keyhaven/server'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const TEXTS = globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md', 'packages/*/*.md'], { cwd: ROOT }).sort()
const LINK = /\[([^\]]+)\]\(([^)\s]+)\)/g
const LINE_COLUMNS_MAX = 200

const links = TEXTS.flatMap((file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(LINK)].map((match) => ({
    file,
    text: match[1]!,
    target: match[2]!,
  })),
).filter(({ target }) => !/^https?:/.test(target))

function pathOf({ file, target }: { file: string; target: string }): string {
  return join(dirname(file), target.replace(/#.*$/, ''))
}

test('every relative link in the docs leads to a file', () => {
  const broken = links.filter((link) => !link.target.startsWith('#') && !existsSync(join(ROOT, pathOf(link))))
  expect(broken).toEqual([])
})

test('every test that the docs name is in the file that they link to', () => {
  const named = links.filter(({ target }) => target.endsWith('.test.ts'))
  const missing = named.filter(
    (link) => !readFileSync(join(ROOT, pathOf(link)), 'utf8').includes(link.text.replaceAll('`', '')),
  )
  expect(missing).toEqual([])
  expect(named.length).toBeGreaterThan(0)
})

test('every page of docs/ can be reached from the README', () => {
  const seen = new Set<string>()
  const waiting = ['README.md']
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    waiting.push(...links.filter((link) => link.file === file && link.target.endsWith('.md')).map(pathOf))
    if (links.some((link) => link.file === file && pathOf(link) === 'docs/decisions')) {
      waiting.push('docs/decisions/README.md')
    }
  }
  expect(TEXTS.filter((file) => file.startsWith('docs/') && !seen.has(file))).toEqual([])
})

test('no page has lines that do not fit a screen', () => {
  const long = TEXTS.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .map((line, index) => ({ at: `${file}:${index + 1}`, line }))
      .filter(({ line }) => line.length > LINE_COLUMNS_MAX && !line.startsWith('|')),
  )
  expect(long.map(({ at }) => at)).toEqual([])
})

test('no page of docs/ has two paragraphs of one name', () => {
  const pages = TEXTS.filter((file) => file.startsWith('docs/'))
  const twice = pages.flatMap((file) => {
    const names = found(file, /^\*\*([^*]+)\.\*\*/gm)
    return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${file}: ${name}`)
  })
  expect(twice).toEqual([])
})

test('docs/operations.md names every setting', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  expect(SETTING_NAMES.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
})

test('docs/formats.md names every type of what is signed', () => {
  const text = readFileSync(join(ROOT, 'docs/formats.md'), 'utf8')
  const sources = globSync('packages/{channel,directory,messaging,conversations}/src/**/*.ts', { cwd: ROOT })
  const types = sources.flatMap((file) => found(file, /'(keyhaven-[a-z-]+\+jws)'/g))
  expect(new Set(types).size).toBeGreaterThan(7)
  expect(types.filter((type) => !text.includes(`\`${type}\``))).toEqual([])
})

test('docs/storage-schema.md names every table and every column', () => {
  const text = readFileSync(join(ROOT, 'docs/storage-schema.md'), 'utf8')
  const sources = globSync('packages/server/src/**/tables.ts', { cwd: ROOT })
  const tables = sources.flatMap((file) => found(file, /^ {2}(\w+): \w+Table$/gm))
  expect(tables.length).toBeGreaterThan(20)
  expect(tables.filter((table) => !text.includes(`**${table}**`))).toEqual([])
  const columns = sources.flatMap((file) => found(file, /^ {2}(\w+): (?!\w+Table$)/gm))
  expect(columns.filter((column) => !new RegExp(`\\b${column}\\b`).test(text))).toEqual([])
})

function found(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map((match) => match[1]!)
}
