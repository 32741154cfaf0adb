import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig, startServer } from '@keyhaven/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parsingProgram } from '../packages/cli/test/command-tree.ts'
import { docCommentPrelude } from './kit/doc-comment-prelude.ts'
import { type DocExample, docExamples } from './kit/doc-examples.ts'
import { startProsody, type TestProsody, XMPP_DOMAIN, XMPP_PASSWORD } from './kit/prosody.ts'
import { runProgram } from './kit/run-program.ts'

const ROOT = join(import.meta.dirname, '..')
const RUN_TIMEOUT_MS = 240_000
const TOKEN = 'kh_token-of-the-documentation-examples-0123456789'

/** Programs that a shell example may call beside ours. */
const SHELL_PROGRAMS = ['cd', 'curl', 'export', 'git', 'openssl', 'cat', 'chmod', 'mkdir', 'cp', 'mv']

/** Names that the example of a doc comment may use without saying what they are. */
const FREE_NAMES = {
  url: "'http://127.0.0.1:8787'",
  adminUrl: "'http://127.0.0.1:8788'",
  rootThumbprints: "['ROOT-THUMBPRINT', 'SPARE-THUMBPRINT'] as const",
  pinnedKeys: "[{ keyId: 1, publicKey: 'PUBLIC-KEY' }] as const",
}

const examples = docExamples(ROOT)
const ofLanguage = (...languages: string[]) => examples.filter(({ language }) => languages.includes(language))
const place = ({ file, line }: DocExample) => `${file}:${line}`
const scriptName = ({ file, line }: DocExample) => `${file.replaceAll(/[^A-Za-z0-9]+/g, '-')}-line-${line}.ts`
const typescript = ofLanguage('ts', 'typescript')

let folder: string
let fill: (code: string) => string
let server: Awaited<ReturnType<typeof startServer>>
let prosody: TestProsody

beforeAll(async () => {
  await mkdir(join(ROOT, '.keyhaven'), { recursive: true })
  folder = mkdtempSync(join(ROOT, '.keyhaven', 'examples-'))
  server = await startServer(
    loadConfig({
      KEYHAVEN_PORT: '0',
      KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
      KEYHAVEN_DATA_DIR: join(folder, 'data'),
      KEYHAVEN_ADMIN_TOKEN: TOKEN,
      KEYHAVEN_LOG_LEVEL: 'silent',
    }),
  )
  prosody = await startProsody(['anna', 'ben'])
  fill = await placeholders()
  for (const example of typescript) {
    const prelude = await docCommentPrelude(ROOT, example, FREE_NAMES)
    const code = await withPeople(prelude + example.code, scriptName(example))
    await writeFile(join(folder, scriptName(example)), fill(code))
  }
})

afterAll(async () => {
  await server?.close()
  await prosody?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** An example with people in it has an application of its own, in which their names are free. */
async function withPeople(code: string, script: string): Promise<string> {
  if (!code.includes('LOG-VERIFIER-KEY')) return code
  const id = script
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(-63)
    .replace(/^-+/, '')
  const { trust } = (await admin('/admin/v1/applications', { id })) as {
    trust: { rootThumbprints: string[] }
  }
  const base = `/admin/v1/applications/${id}/directory`
  const { verifierKey } = (await admin(`${base}/log`)) as { verifierKey: string }
  let filled = code
    .replaceAll('ROOT-THUMBPRINT', trust.rootThumbprints[0]!)
    .replaceAll('SPARE-THUMBPRINT', trust.rootThumbprints[1]!)
    .replaceAll('LOG-VERIFIER-KEY', verifierKey)
    .replaceAll("applicationId: 'demo'", `applicationId: '${id}'`)
  for (const [placeholder, username] of code.matchAll(/SIGN-UP-TOKEN-OF-([a-z]+)/g)) {
    const { token } = (await admin(`${base}/sign-up-tokens`, { username })) as { token: string }
    filled = filled.replace(placeholder, token)
  }
  return filled
}

async function admin(path: string, body?: object): Promise<unknown> {
  const answer = await fetch(server.adminUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

/** Addresses, thumbprints, keys and passwords in the docs stand for those of the servers that run here. */
async function placeholders(): Promise<(code: string) => string> {
  const { rootThumbprints } = (await admin('/admin/v1/applications/demo/trust')) as {
    rootThumbprints: string[]
  }
  const { items } = (await admin('/admin/v1/applications/demo/e2e-keys')) as {
    items: { keyId: number; publicKey: string }[]
  }
  return (code) =>
    code
      .replaceAll('http://127.0.0.1:8787', server.publicUrl)
      .replaceAll('http://127.0.0.1:8788', server.adminUrl)
      .replaceAll('ROOT-THUMBPRINT', rootThumbprints[0]!)
      .replaceAll('SPARE-THUMBPRINT', rootThumbprints[1]!)
      .replaceAll('PUBLIC-KEY', items[0]!.publicKey)
      .replaceAll('xmpp://127.0.0.1:5222', prosody.service)
      .replaceAll('XMPP-PASSWORD', XMPP_PASSWORD)
      .replaceAll(/\bexample\.org(?=')/g, XMPP_DOMAIN)
      .replaceAll('.listen(3000)', '.listen(0)') // another program may have it
      .replaceAll(/keyId: 1\b/g, `keyId: ${items[0]!.keyId}`)
}

test('every TypeScript example compiles', async () => {
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { typeRoots: ['../../node_modules/@types'], moduleDetection: 'force' },
    include: ['*.ts', '../../test/kit/xmpp-client.d.ts'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { code, output } = await runProgram(
    process.execPath,
    [join(ROOT, 'test/kit/check-types.ts'), join(folder, 'tsconfig.json'), folder],
    {
      cwd: ROOT,
      timeoutMs: RUN_TIMEOUT_MS,
    },
  )
  expect(output).toBe('')
  expect(code).toBe(0)
})

describe('every TypeScript example runs', () => {
  test.each(typescript.map((example) => [place(example), example] as const))('%s', async (_, example) => {
    const { code, output } = await runProgram(
      process.execPath,
      ['--import', join(ROOT, 'test/kit/unref-servers.ts'), join(folder, scriptName(example))],
      {
        cwd: folder,
        timeoutMs: RUN_TIMEOUT_MS,
        env: { KEYHAVEN_ADMIN_TOKEN: TOKEN, KEYHAVEN_URL: server.publicUrl, VITEST: undefined },
      },
    )
    expect(code, output).toBe(0)
    expect(output).not.toMatch(/KeyhavenError|UnhandledPromise/)
  })
})

describe('every JSON example parses', () => {
  test.each(ofLanguage('json').map((example) => [place(example), example.code] as const))('%s', (_, code) => {
    expect(() => JSON.parse(code)).not.toThrow()
  })
})

describe('every shell example calls what exists', () => {
  const commands = ofLanguage('sh', 'bash', 'shell', 'console').flatMap((example) =>
    example.code
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
      // Where a command's output goes.
      .map((line) => (/^[^"']*keyhaven /.test(line) ? line.replace(/ > \S+$/, '') : line))
      .filter(Boolean)
      .map((line) => [place(example), line] as const),
  )

  test.each(commands)('%s %s', async (_, line) => {
    const words = shellWords(fill(line)).filter((word) => !/^[A-Z][A-Z0-9_]*=/.test(word) && word !== 'sudo')
    const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words
    if (program === undefined || SHELL_PROGRAMS.includes(program)) return
    if (program === 'npm') return expectNpm(rest)
    expect(program, `an example calls an unknown program: ${line}`).toBe('keyhaven')
    await expectKeyhaven(rest)
  })

  async function expectNpm(words: readonly string[]): Promise<void> {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const [verb, name] = words
    if (verb === 'install' || verb === 'exec') return
    expect(Object.keys(scripts)).toContain(verb === 'run' ? name : verb)
  }

  /** The command takes these words: they are parsed, and nothing runs. */
  async function expectKeyhaven(words: readonly string[]): Promise<void> {
    let reached = false
    const program = parsingProgram(() => {
      reached = true
    })
    await program.parseAsync(words, { from: 'user' }).catch((error: { code?: string }) => {
      if (error.code !== 'commander.helpDisplayed') throw error
      reached = true
    })
    expect(reached).toBe(true)
  }
})

function shellWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare!,
  )
}
