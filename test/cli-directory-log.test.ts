import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from '@keyhaven/crypto'
import { createNoteSigner, formatVerifierKey } from '@keyhaven/directory/log'
import { beforeAll, describe, expect, test } from 'vitest'
import { runCommand, temporaryFolder } from '../packages/cli/test/run-command.ts'
import { startScriptedAdmin } from '../packages/cli/test/scripted-admin.ts'
import {
  createTestLog,
  type LogServer,
  serveTestLog,
  TEST_APPLICATION,
  type TestLog,
} from './cli/test-log.ts'

/** Two full tiles of hashes, one of level 1, and a partial one of each. */
const SIZE = 600
const NOW = Date.now()

let log: TestLog

beforeAll(async () => {
  log = await createTestLog()
  await log.append(SIZE - 1)
})

/** `keyhaven log verify` without any token. */
function verify(server: LogServer, ...options: string[]) {
  const argv = ['log', 'verify', TEST_APPLICATION, '--url', server.url, '--log', log.verifierKey, ...options]
  return runCommand(argv, { now: () => NOW })
}

async function verifyJson(server: LogServer, ...options: string[]) {
  const { exitCode, stdout, stderr } = await verify(server, '--json', ...options)
  return { exitCode, ...JSON.parse(exitCode === 0 ? stdout : stderr) }
}

test('keyhaven log verify recomputes a whole log, without a token', async () => {
  await using server = await serveTestLog(log)
  const { exitCode, stdout, stderr } = await verify(server)
  expect(stdout).toMatch(/^log {10}valid\n/)
  expect(stdout).toContain(`entries      ${SIZE}`)
  expect(stderr).toContain(`log entries: ${SIZE} of ${SIZE}`)
  expect(exitCode).toBe(0)
})

test('on a terminal the verdict is green, with a bar before it', async () => {
  await using server = await serveTestLog(log)
  const argv = ['log', 'verify', TEST_APPLICATION, '--url', server.url, '--log', log.verifierKey]
  const { stdout, stderr } = await runCommand(argv, { now: () => NOW, terminal: true })
  expect(stdout.startsWith('log          \u001b[32mvalid\u001b[39m\n')).toBe(true)
  expect(stderr).toContain('[##############################] 100%')
})

test.each([1, 2, 255, 256, 257, 511, 512])('a log of %i entries is valid', async (size) => {
  await using server = await serveTestLog(await log.fork(size))
  expect(await verifyJson(server)).toMatchObject({ exitCode: 0, valid: true, size, keySource: 'given' })
})

test('a log of more tiles than are asked for at a time is valid', async () => {
  const long = await log.fork(SIZE)
  await long.append(3_000)
  await using server = await serveTestLog(long)
  expect(await verifyJson(server)).toMatchObject({ valid: true, size: SIZE + 3_000 })
})

test('entries that come while it is read change nothing: the full tile stands for the partial one', async () => {
  const grown = await log.fork(SIZE)
  await grown.append(300)
  await using server = await serveTestLog(log)
  server.read = async (path) => {
    if (path === 'checkpoint') return log.checkpoint()
    return path.includes('.p/') && !path.endsWith('.p/2') ? undefined : grown.read(path)
  }
  expect(await verifyJson(server)).toMatchObject({ exitCode: 0, size: SIZE })
})

describe('what a log may not do', () => {
  const flip = (bytes: string | Uint8Array | undefined, at: number) => {
    const altered = Uint8Array.from(bytes as Uint8Array)
    altered[at]! ^= 1
    return altered
  }
  const withPath = (
    path: string,
    change: (bytes: string | Uint8Array | undefined) => Uint8Array | undefined,
  ) => {
    return async (asked: string) => (asked === path ? change(await log.read(asked)) : log.read(asked))
  }

  test.each([
    ['alter an entry', 'tile/entries/001', 500, 'LOG_INCONSISTENT', 'entries 256 to 511'],
    ['hand out less than it says', 'tile/entries/001', undefined, 'LOG_INCONSISTENT', 'entries 256 to 511'],
    ['hand out wrong hashes', 'tile/0/001', 40, 'PROOF_INVALID', 'level 0, entries 256 to 511'],
    ['hold back hashes', 'tile/0/000', undefined, 'PROOF_INVALID', 'level 0, entries 0 to 255'],
    ['hand out wrong hashes of a partial tile', 'tile/0/002.p/88', 3, 'PROOF_INVALID', 'entries 512 to 599'],
    ['hand out wrong hashes above', 'tile/1/000.p/2', 3, 'PROOF_INVALID', 'level 1, entries 0 to 511'],
  ])('%s', async (_, path, at, code, where) => {
    await using server = await serveTestLog(log)
    server.read = withPath(path, (bytes) => (at === undefined ? undefined : flip(bytes, at)))
    const { exitCode, error } = await verifyJson(server)
    expect(error).toMatchObject({ code, message: expect.stringContaining(where) })
    expect(exitCode).toBe(1)
  })

  test('sign with another key', async () => {
    const other = await createTestLog(log.origin)
    await using server = await serveTestLog(other)
    expect((await verifyJson(server)).error).toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test('begin with the parameters of another application', async () => {
    await using server = await serveTestLog(log)
    const path = `/log/shop/`
    const proxied: typeof fetch = (url, init) =>
      fetch(String(url).replace(path, `/log/${TEST_APPLICATION}/`), init)
    const argv = ['log', 'verify', 'shop', '--url', server.url, '--log', log.verifierKey]
    const { exitCode, stderr } = await runCommand(argv, { now: () => NOW, fetch: proxied })
    expect(stderr).toContain('entry 0 names another log')
    expect(exitCode).toBe(1)
  })
})

describe('since the last time', () => {
  test('a log that grew is remembered anew', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'demo.checkpoint')
    const younger = await log.fork(300)
    await using server = await serveTestLog(younger)
    expect((await verifyJson(server, '--since', file)).since).toEqual({ size: null, grown: 300 })
    server.read = log.read
    const { stdout } = await verify(server, '--since', file)
    expect(stdout).toContain(`${SIZE - 300} entries more than the 300 remembered, which are unchanged`)
    expect(await readFile(file, 'utf8')).toContain(`\n${SIZE}\n`)
    expect((await verifyJson(server, '--since', file)).since).toEqual({ size: SIZE, grown: 0 })
  })

  test.each([
    ['after a shorter log', 300, SIZE, 'its first 300 entries are not those'],
    ['at the same size', SIZE, SIZE, 'two different logs of 600 entries'],
    ['at the border of a tile', 256, 400, 'its first 256 entries are not those'],
  ])('a log that forked %s is found, and both checkpoints are kept', async (_, known, size, message) => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'demo.checkpoint')
    const before = await log.checkpoint(known)
    await writeFile(file, before)
    const forked = await log.fork(200)
    await forked.append(size - 200, 'other')
    await using server = await serveTestLog(forked)
    const { exitCode, error } = await verifyJson(server, '--since', file)
    expect(error).toMatchObject({ code: 'LOG_INCONSISTENT', message: expect.stringContaining(message) })
    expect(error.advice).toContain(`${file}.conflict`)
    expect(exitCode).toBe(1)
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(await readFile(`${file}.conflict`, 'utf8')).toContain(`\n${size}\n`)
  })

  test('a log that shrank is found', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'demo.checkpoint')
    await writeFile(file, await log.checkpoint())
    await using server = await serveTestLog(await log.fork(400))
    const { error } = await verifyJson(server, '--since', file)
    expect(error).toMatchObject({ code: 'LOG_INCONSISTENT', message: expect.stringContaining('it shrank') })
  })

  test('an older checkpoint of a log that still has the entries is no fault, and is not remembered', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'demo.checkpoint')
    const newest = await log.checkpoint()
    await writeFile(file, newest)
    await using server = await serveTestLog(log)
    server.read = (path) => (path === 'checkpoint' ? log.checkpoint(400) : log.read(path))
    expect(await verifyJson(server, '--since', file)).toMatchObject({ size: 400, since: { size: SIZE } })
    expect(await readFile(file, 'utf8')).toBe(newest)
  })

  test('a file of another log is refused', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'demo.checkpoint')
    const other = await createTestLog('log.example/other')
    await writeFile(file, await other.checkpoint())
    await using server = await serveTestLog(log)
    expect((await verifyJson(server, '--since', file)).error).toMatchObject({ code: 'SIGNATURE_INVALID' })
  })
})

test('a key that only the server named comes with a warning', async () => {
  await using server = await serveTestLog(log)
  const answer = { json: { verifierKey: log.verifierKey } }
  await using admin = await startScriptedAdmin({ 'GET /admin/v1/applications/demo/directory/log': answer })
  const argv = ['log', 'verify', 'demo', '--url', server.url, '--server', admin.url]
  const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
  const { exitCode, stdout, stderr } = await runCommand(argv, { env, now: () => NOW })
  expect(stderr).toContain('the server vouches for itself')
  expect(stdout).toContain('valid')
  expect(exitCode).toBe(0)
  const { stdout: json } = await runCommand([...argv, '--json'], { env, now: () => NOW })
  expect(JSON.parse(json)).toMatchObject({ valid: true, keySource: 'server' })
})

test('a witness that is demanded must have cosigned', async () => {
  await using server = await serveTestLog(log)
  const key = await backend.signatures.generateKeyPair('EdDSA')
  const { verifier } = await createNoteSigner(backend, 'witness.example/w1', 'cosignature', key)
  const { exitCode, error } = await verifyJson(server, '--witness', formatVerifierKey(verifier))
  expect(error).toMatchObject({
    code: 'PROOF_INVALID',
    message: expect.stringContaining('0 of the 1 witnesses'),
  })
  expect(error.advice).toContain('whether the server reaches them')
  expect(exitCode).toBe(1)
})

test('a checkpoint of long ago comes with a warning', async () => {
  await using server = await serveTestLog(log)
  const signedAt = Math.floor(NOW / 1_000) - 7_200
  server.read = async (path) => (path === 'checkpoint' ? log.checkpoint(SIZE, signedAt) : log.read(path))
  const { exitCode, stderr } = await verify(server)
  expect(stderr).toContain('the checkpoint was signed 7200 seconds ago')
  expect(exitCode).toBe(0)
})

test.each([
  ['--log', 'nonsense', 'CONFIG_INVALID'],
  ['--witness', 'nonsense', 'CONFIG_INVALID'],
  ['--url', 'nonsense', 'INPUT_INVALID'],
])('a wrong %s is named', async (option, value, code) => {
  await using server = await serveTestLog(log)
  const { exitCode, error } = await verifyJson(server, option, value)
  expect(error.code).toBe(code)
  expect(error.message).toContain(option)
  expect(exitCode).toBe(2)
})

test('an application without a log, a server that is busy, and one that is not there', async () => {
  await using server = await serveTestLog(log)
  server.read = async () => undefined
  expect(await verifyJson(server)).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } })
  let asked = 0
  const busy: typeof fetch = async (url, init) =>
    asked++ === 0 ? new Response('', { status: 503, headers: { 'retry-after': '0.01' } }) : fetch(url, init)
  server.read = log.read
  const argv = ['log', 'verify', 'demo', '--url', server.url, '--log', log.verifierKey]
  expect(await runCommand(argv, { now: () => NOW, fetch: busy })).toMatchObject({ exitCode: 0 })
  const gone = ['log', 'verify', 'demo', '--url', 'http://127.0.0.1:9', '--log', log.verifierKey, '--json']
  expect(JSON.parse((await runCommand(gone)).stderr).error.code).toBe('GATEWAY_UNAVAILABLE')
})
