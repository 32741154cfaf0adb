import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { EXIT_CODE_MEANINGS } from '../src/exit-code.ts'
import { helpOf, leafCommands, parsingProgram } from './command-tree.ts'

const GUIDE = new URL('../../../docs/guides/cli.md', import.meta.url)
const BEGIN =
  '<!-- reference: written by `KEYHAVEN_UPDATE_DOCS=1 npx vitest run packages/cli/test/reference` -->'
/** A line that is an example: after `$`, with the settings before the command left out. */
const EXAMPLE = /^ {2}\$ (?:[A-Z_]+=\S+ )*(.+)$/gm

const leaves = leafCommands()

/** The guide's second half, made from the help texts. */
async function reference(): Promise<string> {
  const sections = leaves.map(async ([path]) => {
    const help = (await helpOf(path)).replace(/\nGlobal Options:\n(?: .*\n)*/, '').trim()
    return `### keyhaven ${path}\n\n\`\`\`text\n${help}\n\`\`\`\n`
  })
  return `${BEGIN}\n\n${(await Promise.all(sections)).join('\n')}`
}

test('docs/guides/cli.md says what --help says', async () => {
  const guide = await readFile(GUIDE, 'utf8')
  const start = guide.indexOf(BEGIN)
  expect(start).toBeGreaterThan(0)
  if (process.env.KEYHAVEN_UPDATE_DOCS) await writeFile(GUIDE, guide.slice(0, start) + (await reference()))
  expect((await readFile(GUIDE, 'utf8')).slice(start)).toBe(await reference())
})

test('docs/guides/cli.md lists the exit codes', async () => {
  const guide = await readFile(GUIDE, 'utf8')
  for (const [code, meaning] of EXIT_CODE_MEANINGS) expect(guide).toContain(`| ${code} | ${meaning} |`)
})

describe.each(leaves)('keyhaven %s', (path, leaf) => {
  test('has a help with a description and examples', async () => {
    const help = await helpOf(path)
    expect(leaf.description()).toMatch(/./)
    expect(help).toContain('--json')
    expect(help).toMatch(/Examples:\n {2}# /)
  })

  test('has examples that parse', async () => {
    const examples = [...(await helpOf(path)).matchAll(EXAMPLE)].map((match) => match[1]!)
    for (const example of examples) await expectParses(example)
  })
})

test('the examples of the nouns parse', async () => {
  const directory = ['directory', 'directory user', 'directory tokens', 'directory log', 'conversations']
  for (const noun of ['', 'apps', 'keys', 'trust', 'trust root', ...directory, 'audit', 'tokens', 'log']) {
    const examples = [...(await helpOf(noun)).matchAll(EXAMPLE)].map((match) => match[1]!)
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) await expectParses(example)
  }
})

async function expectParses(example: string): Promise<void> {
  for (const part of example.replace(/^source <\((.*)\)$/, '$1').split(' | ')) {
    const words = (part.replace(/ > .*$/, '').match(/"[^"]*"|\S+/g) ?? []).map((word) =>
      word.replaceAll('"', ''),
    )
    expect(words[0]).toBe('keyhaven')
    const reached: string[] = []
    const placeholders = words
      .slice(1)
      .map((word) => (/^(THUMBPRINT|SPARE)$/.test(word) ? 'A'.repeat(43) : word))
    await parsingProgram((command) => reached.push(command.name())).parseAsync(placeholders, { from: 'user' })
    expect(reached, example).toHaveLength(1)
  }
}
