import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Check } from '../src/doctor/check.ts'
import { checkAdminToken, checkDataFolder } from '../src/doctor/check-files.ts'
import { checkNode } from '../src/doctor/check-node.ts'
import { checkPort } from '../src/doctor/check-ports.ts'
import { callableUrl, listenUrl } from '../src/doctor/listen-url.ts'
import { runCommand, TEST_NOW, temporaryFolder } from './run-command.ts'
import { type Answer, problem, startScriptedAdmin } from './scripted-admin.ts'

test('an old Node', () => {
  expect(checkNode('26.10.0').status).toBe('ok')
  expect(checkNode('20.20.2')).toMatchObject({
    status: 'failed',
    advice: expect.stringContaining('npm install'),
  })
})

describe('files', () => {
  test('a data folder that is not there yet is no fault', async () => {
    await using folder = await temporaryFolder()
    const data = join(folder.path, 'data')
    expect(await checkDataFolder(data)).toMatchObject({ status: 'ok' })
    expect(await checkAdminToken(data, {})).toMatchObject({ status: 'ok' })
  })

  test.each([
    [0o700, 'ok'],
    [0o750, 'warning'],
    [0o770, 'failed'],
  ])('a data folder with mode %o is %s', async (mode, status) => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, mode)
    expect((await checkDataFolder(folder.path)).status).toBe(status)
  })

  test('a file instead of a folder, and a token that others may read', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'admin-token')
    await writeFile(file, 'kh_x', { mode: 0o640 })
    expect(await checkDataFolder(file)).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('no'),
    })
    expect(await checkAdminToken(folder.path, {})).toMatchObject({
      status: 'failed',
      advice: `Run: chmod 600 ${file}`,
    })
  })
})

test('a port that another program uses', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const address = { host: '127.0.0.1', port: (other.address() as AddressInfo).port }
  try {
    expect(await checkPort('public port', address, false)).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('EADDRINUSE'),
    })
    expect(await checkPort('public port', address, true)).toMatchObject({ status: 'ok' })
  } finally {
    other.close()
  }
  expect(await checkPort('public port', address, false)).toMatchObject({ status: 'ok' })
  expect(await checkPort('public port', { ...address, host: '192.0.2.1' }, false)).toMatchObject({
    status: 'failed',
  })
})

test('an address that is listened on, as one to call', () => {
  expect(listenUrl('http', { host: '0.0.0.0', port: 1 })).toBe('http://127.0.0.1:1')
  expect(listenUrl('https', { host: '::', port: 2 })).toBe('https://[::1]:2')
  expect(listenUrl('http', { host: 'fd00::1', port: 3 })).toBe('http://[fd00::1]:3')
})

test('an address that a server tells of itself, as one to call from here', () => {
  expect(callableUrl('http://127.0.0.1:1', 'localhost')).toBe('http://127.0.0.1:1/')
  expect(callableUrl('https://api.example', 'keys.example')).toBe('https://api.example/')
  expect(callableUrl('http://0.0.0.0:1', '127.0.0.1')).toBe('http://127.0.0.1:1/')
  expect(callableUrl('https://[::]:1', 'keys.example')).toBe('https://keys.example:1/')
  expect(callableUrl('http://127.0.0.1:1', 'keys.example')).toBe(undefined)
  expect(callableUrl('nonsense', 'keys.example')).toBe(undefined)
})

describe('the server', () => {
  const status = {
    version: '0.1.0',
    startedAt: '2026-11-21T00:00:00.000Z',
    node: 'v26.10.0',
    database: 'sqlite',
    replay: 'memory',
    workers: 1,
    oidc: false,
    publicUrl: 'http://127.0.0.1:9',
  }
  const trust = {
    mode: 'offline',
    rootThumbprints: ['A'.repeat(43)],
    epoch: 1,
    sequence: 0,
    delegationExpiresAt: null,
  }
  const application = { id: 'bank', name: '', createdAt: '', isDefault: false, trust, keyCounts: {} }

  /** What the doctor says of a server that answers so. */
  async function examine(
    statusAnswer: Answer,
    more: Record<string, Answer> = {},
  ): Promise<Map<string, Check>> {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'data'), { mode: 0o700 })
    await using admin = await startScriptedAdmin({
      'GET /admin/v1/status': statusAnswer,
      'GET /admin/v1/applications': { json: { items: [application], nextCursor: null } },
      ...more,
    })
    const argv = ['doctor', '--json', '--server', admin.url, '--public-url', admin.url, '--data', 'data']
    const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_a-token-of-this-test' }
    const result = await runCommand([...argv, '--port', '0', '--admin-listen', '127.0.0.1:0'], {
      env,
      cwd: folder.path,
    })
    const { checks, healthy } = JSON.parse(result.stdout) as { checks: Check[]; healthy: boolean }
    expect(healthy).toBe(checks.every((check) => check.status !== 'failed'))
    expect(result.exitCode).toBe(healthy ? 0 : 1)
    for (const check of checks) if (check.status === 'failed') expect(check.advice).toMatch(/\S/)
    return new Map(checks.map((check) => [check.name, check]))
  }

  const dated = (difference: number): Answer => ({
    json: status,
    headers: { date: new Date(TEST_NOW + difference * 1_000).toUTCString() },
  })

  test.each([
    [0, 'ok'],
    [25, 'ok'],
    [-25, 'ok'],
    [120, 'failed'],
    [-120, 'failed'],
  ])('a clock that is %i s ahead is %s', async (difference, expected) => {
    const checks = await examine(dated(difference))
    expect(checks.get('clock')?.status).toBe(expected)
    expect(checks.get('server')).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining(', 1 process,'),
    })
  })

  test('a token that is not accepted', async () => {
    const checks = await examine({ status: 401, json: problem('UNAUTHENTICATED', 401, 'Sign in first') })
    expect(checks.get('server')).toMatchObject({
      status: 'failed',
      advice: expect.stringContaining('KEYHAVEN_ADMIN_TOKEN'),
    })
  })

  test('an application whose manifest is missing or does not verify', async () => {
    const missing = await examine(dated(0))
    expect(missing.get('manifest bank')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('404'),
    })
    const forged = await examine(dated(0), { 'GET /gateway/bank/manifest': { text: 'a.b.c' } })
    expect(forged.get('manifest bank')).toMatchObject({
      status: 'failed',
      advice: expect.stringContaining('trust status bank'),
    })
  })
})

test('before the first start there is neither server nor token, and nothing is wrong', async () => {
  await using folder = await temporaryFolder()
  const argv = ['doctor', '--json', '--port', '0', '--admin-listen', '127.0.0.1:1', '--data', 'data']
  const identity = ['--identity-listen', '127.0.0.1:0']
  const result = await runCommand([...argv, ...identity], { cwd: folder.path })
  const { checks } = JSON.parse(result.stdout) as { checks: Check[] }
  const found = new Map(checks.map((check) => [check.name, check]))
  expect(found.get('server')).toMatchObject({ status: 'skipped' })
  expect(found.get('identity port')).toMatchObject({ status: 'ok' })
})

test('a server that runs, and no token for it', async () => {
  await using folder = await temporaryFolder()
  await using admin = await startScriptedAdmin({})
  const argv = ['doctor', '--json', '--port', '0', '--admin-listen', '127.0.0.1:0', '--data', 'data']
  const result = await runCommand([...argv, '--server', admin.url], { cwd: folder.path })
  const { checks } = JSON.parse(result.stdout) as { checks: Check[] }
  expect(checks.find(({ name }) => name === 'server')).toMatchObject({
    status: 'failed',
    detail: expect.stringContaining('there is no token'),
  })
  expect(result.exitCode).toBe(1)
})

test('wrong settings end the examination with their own advice', async () => {
  const result = await runCommand(['doctor', '--port', 'x', '--json'])
  const settings = JSON.parse(result.stdout).checks.find((check: Check) => check.name === 'settings')
  expect(settings).toMatchObject({ status: 'failed', detail: expect.stringMatching(/^--port/) })
  expect(result.exitCode).toBe(1)
})
