import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProsody, type TestProsody, XMPP_PASSWORD } from './kit/prosody.ts'

const ROOT = join(import.meta.dirname, '..')
const EXAMPLE = join(ROOT, 'examples/xmpp-chat')
const MARKER = 'MARKER typed into a terminal'

/** One of the example's programs. */
interface Program {
  /** Waits for a line with this in it, from where the last wait ended. */
  line(text: string): Promise<string>
  type(text: string): void
  /** Its errors so far. */
  said(): string
  end(signal?: NodeJS.Signals): Promise<number | null>
}

let prosody: TestProsody
let folder: string
let keyServer: Program
const exports: Record<string, string>[] = []

function start(file: string, words: readonly string[], env: Record<string, string> = {}): Program {
  const child: ChildProcess = spawn(process.execPath, [join(EXAMPLE, file), ...words], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  let said = ''
  child.stderr!.on('data', (chunk) => {
    said += String(chunk)
  })
  return {
    async line(text) {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`ended without ${text}: ${said}`)
        if (value.includes(text)) return value
      }
    },
    said: () => said,
    type: (text) => child.stdin!.write(`${text}\n`),
    async end(signal) {
      if (signal) child.kill(signal)
      return (await exited)[0] as number | null
    },
  }
}

function chat(who: number, contact: string): Program {
  const store = join(folder, `${who}.sqlite`)
  return start('chat.ts', [contact], {
    ...exports[who],
    XMPP_SERVICE: prosody.service,
    XMPP_PASSWORD,
    KEYHAVEN_STORE: store,
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyhaven-xmpp-chat-'))
  prosody = await startProsody(['ana', 'ben'])
  keyServer = start('key-server.ts', ['ana@localhost', 'ben@localhost'])
  for (const account of ['ana', 'ben']) {
    const line = await keyServer.line(`XMPP_ACCOUNT='${account}@localhost'`)
    exports.push(
      Object.fromEntries([...line.matchAll(/(\w+)='([^']*)'/g)].map(([, name, value]) => [name, value])),
    )
  }
})
afterAll(async () => {
  await keyServer?.end('SIGINT')
  await prosody?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a password that is wrong ends it, with what the server says', async () => {
  const program = start('chat.ts', ['ben@localhost'], {
    ...exports[1],
    XMPP_SERVICE: prosody.service,
    XMPP_PASSWORD: 'wrong',
    KEYHAVEN_STORE: join(folder, '1.sqlite'),
  })
  expect(await program.end()).toBe(1)
  expect(program.said()).toContain('not-authorized')
})

test('two people chat in two terminals, and one comes back', async () => {
  const ana = chat(0, 'ben@localhost')
  const ben = chat(1, 'ana@localhost')
  await Promise.all([ana.line('to ben@localhost'), ben.line('to ana@localhost')])
  ana.type(MARKER)
  expect(await ben.line(MARKER)).toContain('ana@localhost:')
  ben.type('/new')
  await ben.line('new key: objectid')
  ben.type('under a new key')
  expect(await ana.line('under a new key')).toContain('ben@localhost:')
  ana.type('/members')
  await ana.line('the key server cannot read the keys')
  ana.type('/quit')
  expect(await ana.end()).toBe(0)

  const again = chat(0, 'ben@localhost')
  await again.line('to ben@localhost')
  again.type('/archive')
  expect(await again.line(MARKER)).toContain('me:')
  expect(await again.line('under a new key')).toContain('ben@localhost:')
  for (const program of [again, ben]) {
    program.type('/quit')
    expect(await program.end()).toBe(0)
  }
  expect(await prosody.stored()).not.toContain('MARKER')
})

test('it says what it needs', async () => {
  const nobody = start('chat.ts', ['ben@localhost'], { XMPP_ACCOUNT: 'ana@localhost' })
  await expect(nobody.line('anything')).rejects.toThrow('set KEYHAVEN_URL')
  expect(await nobody.end()).toBe(1)
})
