import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { TEST_ADMIN_TOKEN } from '../../../test/kit/server-process.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { buildOpenApiDocument } from '../src/openapi/openapi-document.ts'
import { ROLES } from '../src/platform/auth/roles.ts'

type Caller = (typeof ROLES)[number] | 'nobody' | 'unknown'

const UUID = '00000000-0000-4000-8000-000000000000'
const DEVICE = 'A'.repeat(22)
const MINUTE_MS = 60_000
const READERS: readonly Caller[] = [
  'admin',
  'key-manager',
  'auditor',
  'partner-manager',
  'registration-officer',
]
/** Also a service, which reads nothing else here. */
const SIGNED_IN: readonly Caller[] = [...READERS, 'identity-service']
const MANAGERS: readonly Caller[] = ['admin', 'key-manager']
const PARTNER_MANAGERS: readonly Caller[] = ['admin', 'partner-manager']
const AUDITORS: readonly Caller[] = ['admin', 'auditor']
const ADMINS: readonly Caller[] = ['admin']
const OFFICERS: readonly Caller[] = ['admin', 'registration-officer']
const REGISTRARS: readonly Caller[] = ['admin', 'auditor', 'registration-officer', 'identity-service']

/** Every route of the admin API, and who may call it. */
const MATRIX: ReadonlyArray<
  readonly [method: string, path: string, allowed: readonly Caller[], body?: unknown]
> = [
  ['GET', '/session', SIGNED_IN],
  ['GET', '/applications', READERS],
  ['POST', '/applications', MANAGERS, {}],
  ['GET', '/applications/{id}', READERS],
  ['GET', '/applications/{id}/e2e-keys', READERS],
  ['POST', '/applications/{id}/e2e-keys', MANAGERS, { suite: 7 }],
  ['GET', '/applications/{id}/e2e-keys/usage', READERS],
  ['GET', '/applications/{id}/e2e-keys/{key}', READERS],
  ['PATCH', '/applications/{id}/e2e-keys/{key}', MANAGERS, {}],
  ['POST', '/applications/{id}/e2e-keys/{key}/revoke', MANAGERS, {}],
  ['POST', '/applications/{id}/check', MANAGERS],
  ['GET', '/applications/{id}/trust', READERS],
  ['POST', '/applications/{id}/delegation', MANAGERS, {}],
  ['POST', '/applications/{id}/trust/switch-root', ADMINS, {}],
  ['GET', '/applications/{id}/directory/users', READERS],
  ['GET', '/applications/{id}/directory/users/{username}', READERS],
  ['POST', '/applications/{id}/directory/users/{username}/reset', MANAGERS, {}],
  ['POST', '/applications/{id}/directory/users/{username}/devices/{device}/revoke', MANAGERS, {}],
  ['GET', '/applications/{id}/directory/devices', READERS],
  ['GET', '/applications/{id}/directory/sign-up-tokens', READERS],
  ['POST', '/applications/{id}/directory/sign-up-tokens', MANAGERS, {}],
  ['DELETE', '/applications/{id}/directory/sign-up-tokens/{token}', MANAGERS],
  ['GET', '/applications/{id}/directory/log', READERS],
  ['POST', '/applications/{id}/directory/log/check', READERS],
  ['GET', '/applications/{id}/conversations', AUDITORS],
  ['GET', '/applications/{id}/conversations/{conversation}', AUDITORS],
  ['GET', '/applications/{id}/conversations/{conversation}/receipts', AUDITORS],
  ['POST', '/applications/{id}/conversations/{conversation}/rotate', ADMINS],
  ['POST', '/applications/{id}/conversations/{conversation}/exports', ADMINS, {}],
  ['POST', '/applications/{id}/conversations/{conversation}/exports/{export}/approve', ADMINS],
  ['GET', '/applications/{id}/conversations/{conversation}/exports/{export}/keys', ADMINS],
  ['GET', '/applications/{id}/identity/partners', READERS],
  ['GET', '/applications/{id}/identity/partners/{item}', READERS],
  ['GET', '/applications/{id}/identity/authorities', READERS],
  ['GET', '/applications/{id}/identity/subscriptions', READERS],
  ['GET', '/applications/{id}/identity/policies', READERS],
  ['GET', '/applications/{id}/identity/policies/{item}', READERS],
  ['GET', '/applications/{id}/identity/policy-groups', READERS],
  ['GET', '/applications/{id}/identity/shares', READERS],
  ['GET', '/applications/{id}/identity/events', READERS],
  ['POST', '/applications/{id}/identity/partners', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/state', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/certificate', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/encryption-key', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/webhook', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/certificates/{item}/revoke', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/authorities', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/authorities/{item}/revoke', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/subscriptions', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/subscriptions/{item}/decide', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/subscriptions/{item}/end', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/api-keys', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/api-keys/{item}/revoke', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/partners/{item}/licences', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/licences/{item}/revoke', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policies', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policies/{item}/draft', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policies/{item}/publish', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policies/{item}/state', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policies/defaults', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policy-groups', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/policy-groups/{item}/state', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/shares/{item}/revoke', PARTNER_MANAGERS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/events/{item}/replay', PARTNER_MANAGERS, { bad: 1 }],
  ['GET', '/audit', AUDITORS],
  ['GET', '/audit/verify', AUDITORS],
  ['GET', '/audit/actions', AUDITORS],
  ['GET', '/tokens', AUDITORS],
  ['POST', '/tokens', ADMINS, {}],
  ['DELETE', '/tokens/{id}', ADMINS],
  ['GET', '/status', READERS],
]

/** What a server with an identity address has besides. */
const IDENTITY_MATRIX: typeof MATRIX = [
  ['GET', '/applications/{id}/identity/registrations', REGISTRARS],
  ['GET', '/applications/{id}/identity/registrations/counts', REGISTRARS],
  ['GET', '/applications/{id}/identity/registrations/{rid}', REGISTRARS],
  ['GET', '/applications/{id}/identity/registrations/{rid}/identity', REGISTRARS],
  ['POST', '/applications/{id}/identity/registrations/{rid}/identity/status', OFFICERS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/registrations/{rid}/vids', ADMINS],
  ['POST', '/applications/{id}/identity/registrations/{rid}/vids', ADMINS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/registrations/{rid}/vids/revocation', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/centres', REGISTRARS],
  ['POST', '/applications/{id}/identity/centres', ADMINS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/centres/{item}/close', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/machines', REGISTRARS],
  ['POST', '/applications/{id}/identity/machines', ADMINS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/machines/{item}/{item}/end', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/officers', REGISTRARS],
  ['POST', '/applications/{id}/identity/officers', ADMINS, { bad: 1 }],
  ['POST', '/applications/{id}/identity/officers/{item}/end', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/schemas', REGISTRARS],
  ['POST', '/applications/{id}/identity/schemas', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/jobs', REGISTRARS],
  ['GET', '/applications/{id}/identity/jobs/dead', REGISTRARS],
  ['POST', '/applications/{id}/identity/jobs/{item}/replay', ADMINS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/keys', READERS],
  ['GET', '/applications/{id}/identity/keys/certificate', READERS],
  ['POST', '/applications/{id}/identity/keys/renew', MANAGERS, { bad: 1 }],
  ['GET', '/applications/{id}/identity/key-policies', READERS],
  ['PUT', '/applications/{id}/identity/key-policies', MANAGERS, { bad: 1 }],
  ['GET', '/identity/vault', READERS],
  ['POST', '/identity/vault/pool', MANAGERS],
  ['POST', '/identity/vault/rotation', MANAGERS],
  ['POST', '/identity/vault/reencryption', MANAGERS, { bad: 1 }],
  ['POST', '/identity/vault/backfill', MANAGERS, { bad: 1 }],
  ['GET', '/identity/vault/conflicts', READERS],
  ['POST', '/identity/vault/conflicts/{item}/closure', MANAGERS, { bad: 1 }],
  ['POST', '/identity/vault/recipients', MANAGERS, { bad: 1 }],
  ['DELETE', '/identity/vault/recipients/{item}/{item}', MANAGERS],
]

/** What a server of role `ida` has besides. */
const IDA_MATRIX: typeof MATRIX = [
  ['GET', '/identity/authentication', READERS],
  ['GET', '/identity/authentication/answers', AUDITORS],
  ['GET', '/identity/authentication/limits', AUDITORS],
  ['GET', '/identity/authentication/partners', READERS],
  ['GET', '/identity/authentication/partner-key', READERS],
  ['POST', '/identity/authentication/partner-key/renewal', MANAGERS],
  ['POST', '/identity/authentication/unlock', PARTNER_MANAGERS, { bad: 1 }],
  ['PUT', '/identity/authentication/issuer', ADMINS, { bad: 1 }],
]

/** Signing in and out is for everybody; it is tested by itself. */
const OPEN_ROUTES = ['GET /session/options', 'POST /session', 'DELETE /session']

const STATION = /\{(?:centre|machine|officer|job|partner|thumbprint)\}/g
const IDENTITY_ENV = { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' }

test('the tables have every route there is', () => {
  const documented = Object.entries(buildOpenApiDocument().paths ?? {})
    .filter(([path]) => path.startsWith('/admin/v1'))
    .flatMap(([path, item]) =>
      Object.keys(item as object).map(
        (method) => `${method.toUpperCase()} ${path.slice('/admin/v1'.length)}`,
      ),
    )
    .map((route) => route.replace(STATION, '{item}').replace('/conflicts/{id}', '/conflicts/{item}'))
  const tested = [...MATRIX, ...IDENTITY_MATRIX, ...IDA_MATRIX].map(([method, path]) => `${method} ${path}`)
  expect(documented.filter((route) => !OPEN_ROUTES.includes(route)).sort()).toEqual(tested.sort())
})

describe.each([
  { server: 'without identity', env: {}, matrix: MATRIX },
  { server: 'with identity', env: IDENTITY_ENV, matrix: IDENTITY_MATRIX },
  { server: 'of role ida', env: { ...IDENTITY_ENV, KEYHAVEN_ROLE: 'ida' }, matrix: IDA_MATRIX },
])('each role × each route of a server $server', ({ env, matrix }) => {
  let clock: TestClock
  let server: TestServer
  const tokens = new Map<Caller, string | null>([
    ['nobody', null],
    ['unknown', 'kh_unknown-token-0123456789abcdefghijklmnopqr'],
  ])

  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(ENGINES[0]!, env)
    for (const role of ROLES) {
      const made = await server.admin('POST', '/tokens', { name: `is-${role}`, roles: [role] })
      tokens.set(role, made.body.token)
    }
  })
  afterAll(() => server?.dispose())

  for (const [method, path, allowed, body] of matrix)
    test(`${method} ${path}`, async () => {
      const target = path
        .replace('{id}', path.startsWith('/tokens') ? UUID : 'demo')
        .replace(/\{(key|token)\}/, UUID)
        .replace('{username}', 'nobody')
        .replace('{rid}', '10001100010000120200601120000')
        .replace(/\{(device|conversation|export|item)\}/g, DEVICE)
      for (const caller of [...ROLES, 'nobody', 'unknown'] as const) {
        const answer = await server.admin(method, target, body, tokens.get(caller))
        // Whoever may call it gets past the guard: its body is bad, or there is no such thing.
        const guarded = caller === 'nobody' || caller === 'unknown' ? [401, 429] : [403]
        const refused = guarded.includes(answer.status)
        expect([caller, refused, answer.status]).toEqual([caller, !allowed.includes(caller), answer.status])
        if (!allowed.includes(caller)) expect(answer.body).not.toHaveProperty('items')
      }
    })

  test('a role gives no other: a key manager cannot make itself an admin', async () => {
    const token = tokens.get('key-manager')
    const answer = await server.admin('POST', '/tokens', { name: 'more', roles: ['admin'] }, token)
    expect([answer.status, answer.body.code]).toEqual([403, 'ACCESS_DENIED'])
    expect(answer.body.detail).toContain('admin')
  })

  test('a token that has expired is nobody', async () => {
    const soon = Date.now() + MINUTE_MS
    const { body } = await server.admin('POST', '/tokens', {
      name: 'soon',
      roles: ['auditor'],
      expiresAt: new Date(soon).toISOString(),
    })
    const look = async () => (await server.admin('GET', '/status', undefined, body.token)).status
    expect(await look()).toBe(200)
    clock.set(soon)
    const status = await look()
    clock.go()
    expect([401, 429]).toContain(status)
  })
})

describe('pages of other sites', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(ENGINES[0]!)
  })
  afterAll(() => server?.dispose())

  /** fetch does not let a test choose Host. */
  async function call(method: string, path: string, headers: Record<string, string>) {
    const { request } = await import('node:http')
    const { port } = new URL(server.adminUrl)
    return new Promise<{ status: number; code: string | undefined }>((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (incoming) => {
        let text = ''
        incoming.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        incoming.on('end', () => {
          const json = incoming.headers['content-type']?.includes('json') ? JSON.parse(text) : {}
          resolve({ status: incoming.statusCode!, code: json.code })
        })
      })
      outgoing.once('error', reject).end()
    })
  }

  test('a name that points at 127.0.0.1 is not ours (DNS rebinding)', async () => {
    const { port } = new URL(server.adminUrl)
    for (const path of ['/', '/admin/v1/session/options', '/metrics', '/docs', '/gateway/keyhaven-admin']) {
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1.evil.example',
        'localhost.evil.example',
      ]) {
        expect(await call('GET', path, { host })).toEqual({ status: 403, code: 'ACCESS_DENIED' })
      }
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect((await call('GET', '/admin/v1/session/options', { host })).status).toBe(200)
    }
  })

  test('a page of another origin can call nothing, not even with a token (CSRF)', async () => {
    const { host } = new URL(server.adminUrl)
    const authorization = `Bearer ${TEST_ADMIN_TOKEN}`
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://${host}.evil.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await call(method, '/admin/v1/applications', { host, authorization, ...headers })
        expect([headers, method, answer.status]).toEqual([headers, method, 403])
      }
    }
    const own = { host, authorization, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
    expect((await call('GET', '/admin/v1/applications', own)).status).toBe(200)
    const preflight = await call('OPTIONS', '/admin/v1/applications', {
      host,
      origin: 'https://evil.example',
    })
    expect(preflight.status).toBe(403)
  })

  test('dashboard and API page come with a strict policy, and nothing from elsewhere', async () => {
    const headers = { accept: 'text/html' }
    const moved = await fetch(`${server.adminUrl}/applications/demo`, { headers, redirect: 'manual' })
    expect(moved.headers.get('location')).toBe('/#/applications/demo')
    const page = await fetch(`${server.adminUrl}/`, { headers })
    expect(page.headers.get('content-type')).toContain('text/html')
    const policy = page.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')

    for (const base of [server.adminUrl, server.publicUrl]) {
      const docs = await fetch(`${base}/docs`)
      const nonce = /'nonce-([^']+)'/.exec(docs.headers.get('content-security-policy')!)![1]
      const html = await docs.text()
      expect(html).toContain(`<style nonce="${nonce}">`)
      expect(html).not.toContain('<script')
      expect(html.replaceAll(/href="[/#][^"]*"/g, '')).not.toMatch(
        /(?:src|href|url\()=?["']?(?:https?:)?\/\//,
      )
      expect(html).toContain('/<wbr>admin/<wbr>v1/<wbr>applications')
    }
    const api = await fetch(`${server.adminUrl}/admin/v1/session/options`)
    expect(api.headers.get('cache-control')).toBe('no-store')
    expect(
      (await fetch(`${server.adminUrl}/assets/nothing.js`, { headers: { accept: 'text/html' } })).status,
    ).toBe(404)
  })

  test('the API is described whole, and each answer has its shape', async () => {
    const document = await (await fetch(`${server.publicUrl}/openapi.json`)).json()
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/gateway/{applicationId}',
        '/admin/v1/applications/{id}/e2e-keys/{key}/revoke',
      ]),
    )
    for (const item of Object.values(
      document.paths as Record<string, Record<string, { responses: object }>>,
    )) {
      for (const operation of Object.values(item))
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
    }
  })
})
