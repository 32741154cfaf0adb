import { execFile, execFileSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type CliFolder, createCliFolder } from './cli/cli-folder.ts'
import { type StartedServer, startCommand } from './cli/started-server.ts'
import { type StartedWitness, startWitness } from './cli/started-witness.ts'

const TIMEOUT_MS = 240_000
const POLL_MS = 100
const PATIENCE_MS = 60_000
const VERIFIER = fileURLToPath(
  new URL('../packages/directory/test/log/fixtures/verify_log.py', import.meta.url),
)
const execute = promisify(execFile)

/** `keyhaven` and `member` beside a server, in a folder. */
function commands(folder: CliFolder, server: StartedServer) {
  const { adminUrl, publicUrl, defaultApplication } = server
  const env = { ...folder.env, KEYHAVEN_SERVER: adminUrl, KEYHAVEN_DATA_DIR: 'data' }
  const run = async (program: string, ...argv: string[]) => {
    const ended = execute(program, argv, { cwd: folder.path, env }).catch((error) => {
      error.message += `\nexit code ${error.code}, signal ${error.signal}; the server: ${server.log()}`
      throw error
    })
    return (await ended).stdout.trim()
  }
  const json = async (...argv: string[]) => JSON.parse(await run('keyhaven', '--json', ...argv))
  const logKey = async (): Promise<string> => (await json('directory', 'log', 'show', 'demo')).verifierKey
  return {
    json,
    logKey,
    verify: async (...options: string[]) =>
      json('log', 'verify', 'demo', '--url', publicUrl, '--log', await logKey(), ...options),
    /** Puts a user into the directory. */
    async signUp(username: string) {
      const token = await run('keyhaven', 'directory', 'tokens', 'issue', 'demo', username)
      const trust = JSON.stringify({ rootThumbprints: defaultApplication.rootThumbprints })
      const said = await run('member', publicUrl, 'demo', trust, await logKey(), username, token, 'phone')
      expect(said).toMatch(/^signed up /)
    },
  }
}

/** Asks again until the answer is as expected. */
async function eventually<T>(ask: () => Promise<T> | T, expected: (answer: T) => boolean): Promise<T> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const answer = await ask()
    if (expected(answer)) return answer
    if (Date.now() > until) throw new Error(`not within ${PATIENCE_MS} ms: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** What a verifier written in Python from the specifications says of a log at its public address. */
async function verifyIndependently({ publicUrl }: StartedServer, size: number, vkeys: readonly string[]) {
  const read = async (path: string) => fetch(`${publicUrl}/log/demo/${path}`)
  const note = await (await read('checkpoint')).text()
  const bundle = await (await read(`tile/entries/000.p/${size}`)).arrayBuffer()
  const bundles = [Buffer.from(bundle).toString('base64')]
  const input = JSON.stringify({ note, vkeys, bundles, inclusion: [], consistency: [] })
  return JSON.parse(execFileSync('python3', [VERIFIER], { input, encoding: 'utf8' }))
}

test('a server gets its log cosigned, goes on without the witness, and cannot fork behind its back', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  let logKey: string
  {
    await using server = await startCommand(folder, ['serve', '--data', 'data'])
    logKey = await commands(folder, server).logKey()
  }
  await using first = await startWitness(folder, [logKey], '--name', 'witness.example/w1')
  const env = { KEYHAVEN_WITNESSES: first.setting.replace(/^KEYHAVEN_WITNESSES=/, '') }
  const witnessOption = ['--witness', first.verifierKey]
  let witness: StartedWitness = first
  const port = new URL(first.url).port

  {
    await using server = await startCommand(folder, ['serve', '--data', 'data'], env)
    const { json, signUp, verify } = commands(folder, server)

    await signUp('alice')
    await eventually(
      () => witness.events,
      (events) => events.some(({ size }) => size === 2),
    )
    const { witnesses } = await eventually(
      () => json('directory', 'log', 'show', 'demo'),
      (shown) => shown.witnesses[0]?.lastCosignedAt !== null,
    )
    expect(witnesses).toMatchObject([{ name: 'witness.example/w1' }])
    const audit = await verify(...witnessOption, '--since', 'demo.checkpoint')
    expect(audit).toMatchObject({ size: 2, witnesses: [{ name: 'witness.example/w1' }] })

    // A program that shares no code with ours agrees.
    const independent = await verifyIndependently(server, 2, [logKey, first.verifierKey])
    expect(independent).toMatchObject({
      size: 2,
      root: true,
      signatures: [{ signed: true }, { signed: true }],
    })

    // The witness dies: the directory goes on, and shows the last checkpoint that was cosigned.
    await witness.stop('SIGKILL')
    await signUp('bob')
    expect(await verify(...witnessOption)).toMatchObject({ size: 2 })

    // It comes back: the server catches up by itself.
    witness = await startWitness(folder, [logKey], '--listen', `127.0.0.1:${port}`)
    expect(witness).toMatchObject({ verifierKey: first.verifierKey, isNew: false })
    await eventually(
      () => verify(...witnessOption),
      ({ size }) => size === 3,
    )
  }

  // Everything of the server is set back, its anchor too, and it goes on from there.
  await cp(join(folder.path, 'data'), join(folder.path, 'copy'), { recursive: true })
  {
    await using server = await startCommand(folder, ['serve', '--data', 'data'], env)
    const { signUp, verify } = commands(folder, server)
    await signUp('carol')
    await eventually(
      () => verify(...witnessOption),
      ({ size }) => size === 4,
    )
    await verify('--since', 'demo.checkpoint')
  }
  await rm(join(folder.path, 'data'), { recursive: true })
  await cp(join(folder.path, 'copy'), join(folder.path, 'data'), { recursive: true })
  await using _ = { [Symbol.asyncDispose]: () => witness[Symbol.asyncDispose]() }
  await using server = await startCommand(folder, ['serve', '--data', 'data'], env)
  const { signUp, verify } = commands(folder, server)
  await signUp('mallory')
  const refused = await eventually(
    () => witness.events.find(({ event }) => event === 'refused'),
    (event) => event !== undefined,
  )
  expect(refused).toMatchObject({ size: 4, checkpoint: expect.stringContaining('\n4\n') })
  await expect(verify('--since', 'demo.checkpoint')).rejects.toMatchObject({
    stderr: expect.stringContaining('LOG_INCONSISTENT'),
  })
  // Whoever demands the witness is shown no more than what it cosigned before.
  expect(await verify(...witnessOption)).toMatchObject({ size: 3 })
})
