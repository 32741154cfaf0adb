import { describe, expect, test } from 'vitest'
import type { E2eKey, Usage } from '../src/admin/admin-api.ts'
import { runCommand } from './run-command.ts'
import { problem, startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const KEYS = '/admin/v1/applications/demo/e2e-keys'
const ID = '0d0f2c3a-3b1e-4a52-9d2c-6f7f4b1c9a01'
const KEY: E2eKey = {
  id: ID,
  keyId: 1,
  applicationId: 'demo',
  suite: { kem: 'x-wing', aead: 'aes-256-gcm' },
  suiteName: 'x-wing',
  state: 'retiring',
  publicKey: 'cHVi',
  jwk: { kty: 'AKP', alg: 'X-Wing', pub: 'cHVi' },
  keyConfig: 'Y29uZmln',
  thumbprint: 't'.repeat(43),
  createdAt: '2026-11-01T00:00:00.000Z',
  activateAt: null,
  activatedAt: '2026-11-01T00:00:00.000Z',
  retiringAt: '2026-11-20T00:00:00.000Z',
  endAt: null,
  revokedAt: null,
  lastUsedAt: null,
  history: [{ state: 'active', at: '2026-11-01T00:00:00.000Z', actor: 'token:bootstrap', reason: null }],
}
const REVOKED: E2eKey = { ...KEY, state: 'revoked', revokedAt: '2026-11-21T08:00:00.000Z' }

function usage(safe: boolean): Usage {
  const installations = safe ? 0 : 12
  const byAppVersion = safe ? [] : [{ appVersion: '1.4.0', installations }]
  const verdict = {
    safe,
    installations,
    byAppVersion,
    text: safe ? 'nobody uses it' : '12 installations use it',
  }
  const shares = {
    requests: 10,
    requestShare: 0.125,
    installations,
    installationShare: 0.5,
    lastUsedAt: null,
  }
  const versions = byAppVersion.map((entry) => ({ ...entry, requests: 10 }))
  return {
    from: '2026-11-20T08:00:00.000Z',
    to: '2026-11-21T08:00:00.000Z',
    requests: 80,
    installations: 24,
    installationsLeftOut: 0,
    keys: [{ id: ID, keyId: 1, state: 'retiring', ...shares, byAppVersion: versions, verdict }],
  }
}

const scriptedFor = (safe: boolean, revoke: object = { json: REVOKED }) =>
  startScriptedAdmin({
    [`GET ${KEYS}`]: { json: { items: [KEY] } },
    [`GET ${KEYS}/1`]: { json: KEY },
    [`GET ${KEYS}/usage`]: { json: usage(safe) },
    [`POST ${KEYS}/${ID}/revoke`]: revoke,
  })

describe('revoke', () => {
  const argv = (url: string, ...more: string[]) => [
    'keys',
    'revoke',
    'demo',
    '1',
    '--reason',
    'old',
    '--server',
    url,
    ...more,
  ]

  test('shows the verdict, and goes on when the key number is typed', async () => {
    await using admin = await scriptedFor(false)
    const result = await runCommand(argv(admin.url), { env, stdin: '1\n' })
    expect(result.stderr).toContain('not safe to revoke - 12 installations use it')
    expect(result.stderr).toContain('would break: 12 of app version 1.4.0')
    expect(result.stderr).toContain('Type 1 to go on:')
    expect(result.stdout).toContain('revoked')
    expect(result.exitCode).toBe(0)
    expect(admin.seen.at(-1)).toMatchObject({ method: 'POST', body: { reason: 'old' } })
  })

  test.each([
    ['another word', 'yes\n', 'not confirmed, so nothing was changed'],
    ['no answer', undefined, 'there was no answer to the question'],
  ])('%s changes nothing', async (_name, stdin, message) => {
    await using admin = await scriptedFor(true)
    const result = await runCommand(argv(admin.url), { env, ...(stdin && { stdin }) })
    expect(result.stderr).toContain(message)
    expect(result.exitCode).toBe(2)
    expect(admin.seen.every((request) => request.method === 'GET')).toBe(true)
  })

  test('the verdict looks back a week, or as long as --window says', async () => {
    await using admin = await scriptedFor(true)
    const asked = () => admin.seen.filter((request) => request.path.includes('/usage')).at(-1)?.path
    await runCommand(argv(admin.url, '--yes'), { env })
    expect(asked()).toBe(`${KEYS}/usage?window=7d`)
    await runCommand(argv(admin.url, '--yes', '--window', '30d'), { env })
    expect(asked()).toBe(`${KEYS}/usage?window=30d`)
    await runCommand(['keys', 'usage', 'demo', '--server', admin.url], { env })
    expect(asked()).toBe(`${KEYS}/usage?window=7d`)
  })

  test('--yes does not ask when it is safe', async () => {
    await using admin = await scriptedFor(true)
    expect((await runCommand(argv(admin.url, '--yes'), { env })).exitCode).toBe(0)
  })

  test('--yes on an unsafe key exits with 5, with --force it goes on', async () => {
    await using admin = await scriptedFor(false)
    const refused = await runCommand(argv(admin.url, '--yes'), { env })
    expect(refused.exitCode).toBe(5)
    expect(refused.stderr).toContain('would break 12 installations')
    expect(refused.stderr).toContain('--force')
    expect((await runCommand(argv(admin.url, '--yes', '--force'), { env })).exitCode).toBe(0)
    expect(admin.seen.at(-1)?.body).toEqual({ reason: 'old', force: true })
  })

  test('the last live key exits with 5', async () => {
    const conflict = { status: 409, json: problem('CONFLICT', 409, 'it is the last live key') }
    await using admin = await scriptedFor(true, conflict)
    const result = await runCommand(argv(admin.url, '--yes', '--json'), { env })
    expect(JSON.parse(result.stderr).error).toMatchObject({ code: 'CONFLICT', exitCode: 5 })
    expect(result.stderr).toContain('keyhaven keys add')
  })

  test('--json asks nobody', async () => {
    await using admin = await scriptedFor(true)
    const result = await runCommand(argv(admin.url, '--json'), { env, stdin: '1\n' })
    expect(JSON.parse(result.stderr).error.message).toContain('with --json nobody is asked')
    expect(result.exitCode).toBe(2)
  })
})

describe('output', () => {
  test('the usage says how many installations were left out of the count', async () => {
    const answer = (installationsLeftOut: number) =>
      startScriptedAdmin({ [`GET ${KEYS}/usage`]: { json: { ...usage(true), installationsLeftOut } } })
    await using some = await answer(120)
    const shown = await runCommand(['keys', 'usage', 'demo', '--server', some.url], { env })
    expect(shown.stdout).toContain('\nup to 120 more were left out: too many new installations came')
    await using none = await answer(0)
    const plain = await runCommand(['keys', 'usage', 'demo', '--server', none.url], { env })
    expect(plain.stdout).not.toContain('left out')
  })

  test('a table, and the same as JSON', async () => {
    await using admin = await scriptedFor(true)
    const argv = ['keys', 'list', 'demo', '--server', admin.url]
    const text = await runCommand(argv, { env })
    expect(text.stdout).toBe(
      'KEY  STATE     SUITE   CREATED                   ACTIVE SINCE              LAST USED  ID\n' +
        `  1  retiring  x-wing  2026-11-01T00:00:00.000Z  2026-11-01T00:00:00.000Z  -          ${ID}\n`,
    )
    expect(JSON.parse((await runCommand([...argv, '--json'], { env })).stdout)).toEqual({ items: [KEY] })
  })

  test.each([
    ['jwk', '{"kty":"AKP","alg":"X-Wing","pub":"cHVi"}\n'],
    ['base64url', 'cHVi\n'],
    ['config', 'Y29uZmln\n'],
    [
      'sdk',
      'trust: { pinnedKeys: [{"keyId":1,"suite":{"kem":"x-wing","aead":"aes-256-gcm"},"publicKey":"cHVi"}] }\n',
    ],
  ])('the public key as %s', async (format, expected) => {
    await using admin = await scriptedFor(true)
    const argv = ['keys', 'show', 'demo', '1', '--format', format, '--server', admin.url]
    expect((await runCommand(argv, { env })).stdout).toBe(expected)
  })

  test('colour only on a terminal, and not against NO_COLOR', async () => {
    await using admin = await scriptedFor(true)
    const argv = ['keys', 'usage', 'demo', '--server', admin.url]
    const escapeSequence = '\u001b['
    expect((await runCommand(argv, { env, terminal: true })).stdout).toContain(escapeSequence)
    expect((await runCommand(argv, { env })).stdout).not.toContain(escapeSequence)
    expect((await runCommand(argv, { env: { ...env, NO_COLOR: '1' }, terminal: true })).stdout).not.toContain(
      escape,
    )
  })

  test('a name from the server cannot steer the terminal', async () => {
    const application = {
      id: 'demo',
      name: 'x\u001b[2J\u202e',
      createdAt: '',
      isDefault: false,
      trust: { mode: 'online', rootThumbprints: [], epoch: 1, sequence: 1, delegationExpiresAt: null },
      keyCounts: { pending: 0, active: 1, retiring: 0, revoked: 0 },
    }
    await using admin = await startScriptedAdmin({
      'GET /admin/v1/applications': { json: { items: [application], nextCursor: null } },
    })
    const result = await runCommand(['apps', 'list', '--server', admin.url], { env })
    expect(result.stdout).toContain('x\\u{1b}[2J\\u{202e}')
  })

  test('times of options are sent in UTC', async () => {
    await using admin = await startScriptedAdmin({ [`POST ${KEYS}`]: { status: 201, json: KEY } })
    const times = ['--activate-at', '+2h', '--end-at', '2026-12-01T08:00:00+02:00']
    await runCommand(['keys', 'add', 'demo', '--server', admin.url, ...times], { env })
    expect(admin.seen[0]?.body).toEqual({
      activateAt: '2026-11-21T10:00:00.000Z',
      endAt: '2026-12-01T06:00:00.000Z',
    })
  })

  test('audit list --all follows the pages and writes JSON lines', async () => {
    const entry = (sequence: number) => ({ sequence, at: '', actor: 'system', action: 'key.add', hash: '' })
    const pages = [
      { items: [entry(3), entry(2)], nextCursor: 'next' },
      { items: [entry(1)], nextCursor: null },
    ]
    const fetched: string[] = []
    const paged = (async (url: string) => {
      fetched.push(url)
      return Response.json(pages[fetched.length - 1])
    }) as typeof fetch
    const result = await runCommand(['audit', 'list', '--all', '--json'], { env, fetch: paged })
    expect(
      result.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).sequence),
    ).toEqual([3, 2, 1])
    expect(fetched[1]).toContain('cursor=next')
  })

  test('a broken audit chain exits with 1', async () => {
    await using admin = await startScriptedAdmin({
      'GET /admin/v1/audit/verify': {
        json: { valid: false, entries: 9, head: { sequence: 9, hash: 'ab' }, brokenAt: 4 },
      },
    })
    const result = await runCommand(['audit', 'verify', '--server', admin.url], { env })
    expect(result.stdout).toContain('broken at entry  4')
    expect(result.exitCode).toBe(1)
  })
})
