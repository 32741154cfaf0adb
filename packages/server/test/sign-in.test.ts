import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { freePort } from '../../../test/kit/free-port.ts'
import type { TestOidcProvider } from '../../../test/kit/oidc.ts'
import { startOidcProvider } from '../../../test/kit/oidc.ts'
import { TEST_ADMIN_TOKEN } from '../../../test/kit/server-process.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import type { OidcClient } from '../src/platform/auth/oidc-client.ts'
import { rolesOfClaims } from '../src/platform/auth/oidc-client.ts'
import { addOidcRoutes } from '../src/platform/auth/oidc-routes.ts'
import { createOneTimeCode, ONE_TIME_CODE_LIFETIME_SECONDS } from '../src/platform/auth/one-time-code.ts'
import type { AdminEnv } from '../src/platform/auth/principal.ts'
import { createSessionStore } from '../src/platform/auth/session-store.ts'
import { createTokenStore } from '../src/platform/auth/token-store.ts'
import { createApp } from '../src/platform/http/create-app.ts'
import { createLogger } from '../src/platform/log/logger.ts'

/** A browser as far as cookies and redirects go. */
function createBrowser(adminUrl: string) {
  const jar = new Map<string, string>()
  async function visit(url: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(new URL(url, adminUrl), {
      redirect: 'manual',
      ...init,
      headers: { ...init.headers, cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [name = '', ...rest] = cookie.split(';')[0]!.split('=')
      if (/max-age=0/i.test(cookie)) jar.delete(name)
      else jar.set(name, rest.join('='))
    }
    return answer
  }
  /** Follows redirects until it is back on the server's own pages. */
  async function follow(start: string): Promise<URL> {
    let url = new URL(start, adminUrl)
    for (let hop = 0; hop < 15; hop++) {
      const answer = await visit(url.href)
      const location = answer.headers.get('location')
      if (location === null) return url
      url = new URL(location, url)
      if (url.origin === new URL(adminUrl).origin && !url.pathname.startsWith('/admin')) return url
    }
    throw new Error('too many redirects')
  }
  const json = (body: unknown, headers: Record<string, string> = {}) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { jar, visit, follow, json, session: () => visit('/admin/v1/session') }
}

describe.each(ENGINES)('sign-in on $name', (engine) => {
  let server: TestServer

  beforeAll(async () => {
    server = await startTestServer(engine)
  })
  afterAll(() => server?.dispose())

  test('with a token: a cookie that scripts cannot read and other sites cannot send', async () => {
    const browser = createBrowser(server.adminUrl)
    const options = async () => (await browser.visit('/admin/v1/session/options')).json()
    expect(await options()).toMatchObject({ cookie: false })
    const answer = await browser.visit('/admin/v1/session', browser.json({ token: TEST_ADMIN_TOKEN }))
    expect(await options()).toMatchObject({ cookie: true })
    expect(await answer.json()).toEqual({ actor: 'token:admin', roles: ['admin'], oidc: false })
    const [cookie] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect(cookie).not.toContain(TEST_ADMIN_TOKEN)
    expect((await browser.session()).status).toBe(200)

    const change = browser.json({ id: 'csrf', suite: 'x25519' })
    const refused = await browser.visit('/admin/v1/applications', change)
    expect([refused.status, (await refused.json()).code]).toEqual([403, 'ACCESS_DENIED'])
    const allowed = browser.json({ id: 'csrf', suite: 'x25519' }, { 'x-keyhaven-dashboard': '1' })
    expect((await browser.visit('/admin/v1/applications', allowed)).status).toBe(201)

    const out = await browser.visit('/admin/v1/session', {
      method: 'DELETE',
      headers: { 'x-keyhaven-dashboard': '1' },
    })
    expect(out.status).toBe(204)
    expect(browser.jar.size).toBe(0)
    expect((await browser.session()).status).toBe(401)
  })

  test('a cookie of a session that was ended is worth nothing', async () => {
    const browser = createBrowser(server.adminUrl)
    await browser.visit('/admin/v1/session', browser.json({ token: TEST_ADMIN_TOKEN }))
    const kept = browser.jar.get('keyhaven_session')!
    await browser.visit('/admin/v1/session', { method: 'DELETE', headers: { 'x-keyhaven-dashboard': '1' } })
    browser.jar.set('keyhaven_session', kept)
    expect((await browser.session()).status).toBe(401)
  })

  test('a session ends with the token that started it', async () => {
    const { body } = await server.admin('POST', '/tokens', { name: 'short', roles: ['auditor'] })
    const browser = createBrowser(server.adminUrl)
    await browser.visit('/admin/v1/session', browser.json({ token: body.token }))
    expect((await browser.session()).status).toBe(200)
    await server.admin('DELETE', `/tokens/${body.id}`)
    expect((await browser.session()).status).toBe(401)
  })

  test('a session ends when the fixed admin token that started it is replaced', async () => {
    const fixture = await createStateFixture(engine)
    const state = await fixture.open({ schedule: false })
    const sessions = createSessionStore(state, Date.now)
    const signIn = async (token: string) => {
      const principal = await createTokenStore(state, token, Date.now).verify(token)
      return sessions.create({ ...principal!, method: 'token' })
    }
    const [former, present] = [await signIn('the leaked token'), await signIn('the new token')]
    await createTokenStore(state, 'the new token', Date.now).endFormerSessions()
    expect(await sessions.verify(former)).toBeUndefined()
    expect(await sessions.verify(present)).toMatchObject({ actor: 'token:admin' })
    await fixture.dispose()
  })

  test('with the one-time code, once', async () => {
    const browser = createBrowser(server.adminUrl)
    const typed = server.oneTimeCode.toLowerCase().replaceAll('-', ' ')
    const answer = await browser.visit('/admin/v1/session', browser.json({ code: typed }))
    expect(await answer.json()).toMatchObject({ actor: 'code:console', roles: ['admin'] })
    const again = await browser.visit('/admin/v1/session', browser.json({ code: server.oneTimeCode }))
    expect(again.status).toBe(401)
  })

  test('the sign-in is in the audit log, the secret is not', async () => {
    const { items } = (await server.admin('GET', '/audit?action=session.create')).body
    expect(items.length).toBeGreaterThan(0)
    expect(JSON.stringify(items)).not.toContain(TEST_ADMIN_TOKEN)
  })

  test('no provider is offered where none is configured', async () => {
    const answer = await fetch(`${server.adminUrl}/admin/v1/session/options`)
    expect(await answer.json()).toEqual({ oidc: false, cookie: false })
    expect((await fetch(`${server.adminUrl}/admin/oidc/start`, { redirect: 'manual' })).status).toBe(404)
  })
})

test('coming back from the provider with an invented cookie writes nothing', async () => {
  const fixture = await createStateFixture(ENGINES[0]!)
  const state = await fixture.open({ schedule: false })
  const used: string[] = []
  const db = new Proxy(state.db, {
    get(target, name) {
      if (typeof name === 'string') used.push(name)
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const logger = createLogger('silent')
  const app = createApp<AdminEnv>(logger)
  addOidcRoutes(app, {
    client: {} as OidcClient,
    sessions: createSessionStore(state, Date.now),
    state: { ...state, db },
    adminUrl: () => 'http://admin.example',
    clock: Date.now,
    logger,
  })
  const origin = { sealed: false, remoteAddress: '192.0.2.1', secure: false } as const
  for (const headers of [{}, { cookie: 'keyhaven_oidc=invented' }]) {
    const answer = await app.request('/admin/oidc/callback?code=x&state=y', { headers }, { origin })
    expect(answer.headers.get('location')).toBe('/?signInError=UNAUTHENTICATED')
  }
  expect(new Set(used)).toEqual(new Set(['selectFrom']))
  await fixture.dispose()
})

test('behind a proxy that speaks TLS the cookie is never sent without it', async () => {
  const listen = `127.0.0.1:${await freePort()}`
  const server = await startTestServer(ENGINES[0]!, {
    KEYHAVEN_ADMIN_LISTEN: listen,
    KEYHAVEN_ADMIN_URL: 'https://admin.example',
  })
  try {
    const answer = await fetch(`http://${listen}/admin/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: TEST_ADMIN_TOKEN }),
    })
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure/i)
  } finally {
    await server.dispose()
  }
})

describe('guessing', () => {
  test('failed sign-ins are rate-limited; a right token still works, a code is not even compared', async () => {
    const clock = testClock()
    const server = await startTestServer(ENGINES[0]!)
    try {
      clock.hold()
      const statuses: number[] = []
      for (let i = 0; i < 12; i++) {
        statuses.push((await server.admin('GET', '/session', undefined, `kh_wrong-${i}`)).status)
      }
      expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
      expect(statuses.slice(10)).toEqual([429, 429])
      expect((await server.admin('GET', '/session')).status).toBe(200)
      const code = await server.admin('POST', '/session', { code: server.oneTimeCode }, null)
      expect([code.status, code.body.code]).toEqual([429, 'RATE_LIMITED'])
      expect(Number(code.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await server.admin('POST', '/session', { token: TEST_ADMIN_TOKEN }, null)).status).toBe(200)
    } finally {
      clock.go()
      await server.dispose()
    }
  })

  test('a one-time code ends after 15 minutes', () => {
    let now = 0
    const code = createOneTimeCode(() => now)
    now = ONE_TIME_CODE_LIFETIME_SECONDS * 1_000
    expect(code.redeem(code.text)).toBe(false)
    now -= 1
    expect(code.redeem('AAAA-AAAA-AAAA')).toBe(false)
    expect(code.redeem(code.text)).toBe(true)
    expect(code.redeem(code.text)).toBe(false)
  })
})

describe('roles of a claim', () => {
  const config = { roleClaim: 'roles', roleMap: {} }

  test('are a list or one text, also deeper down, and may be mapped', () => {
    expect(rolesOfClaims({ roles: ['admin', 'other', 'admin'] }, config)).toEqual(['admin'])
    expect(rolesOfClaims({ roles: 'auditor' }, config)).toEqual(['auditor'])
    expect(
      rolesOfClaims(
        { realm_access: { roles: ['key-manager'] } },
        { ...config, roleClaim: 'realm_access.roles' },
      ),
    ).toEqual(['key-manager'])
    expect(
      rolesOfClaims(
        { 'https://example.com/roles': ['admin'] },
        { ...config, roleClaim: 'https://example.com/roles' },
      ),
    ).toEqual(['admin'])
    expect(
      rolesOfClaims(
        { roles: ['kh-ops', 'admin'] },
        { ...config, roleMap: { 'kh-ops': 'key-manager', admin: 'nothing' } },
      ),
    ).toEqual(['key-manager'])
  })

  test('are only those of the map, where there is one', () => {
    const mapped = { ...config, roleMap: { 'kh-admins': 'admin', auditor: 'auditor' } }
    expect(rolesOfClaims({ roles: ['admin', 'key-manager'] }, mapped)).toEqual([])
    expect(rolesOfClaims({ roles: ['kh-admins', 'auditor'] }, mapped)).toEqual(['admin', 'auditor'])
  })

  test('give nothing that we do not know', () => {
    for (const roles of [
      undefined,
      null,
      7,
      {},
      [['admin']],
      [{ admin: true }],
      'root',
      '__proto__',
      'constructor',
    ]) {
      expect(rolesOfClaims({ roles }, config)).toEqual([])
    }
    expect(rolesOfClaims({}, { ...config, roleClaim: 'constructor.name' })).toEqual([])
  })
})

describe.each(ENGINES)('OIDC on $name', (engine) => {
  let clock: TestClock
  let provider: TestOidcProvider
  let server: TestServer

  beforeAll(async () => {
    clock = testClock()
    const port = await freePort()
    provider = await startOidcProvider(`http://127.0.0.1:${port}/admin/oidc/callback`)
    server = await startTestServer(engine, {
      KEYHAVEN_ADMIN_LISTEN: `127.0.0.1:${port}`,
      KEYHAVEN_OIDC_ISSUER: provider.issuer,
      KEYHAVEN_OIDC_CLIENT_ID: provider.clientId,
      KEYHAVEN_OIDC_CLIENT_SECRET: provider.clientSecret,
      KEYHAVEN_OIDC_NAME: 'Company sign-in',
      KEYHAVEN_LOG_LEVEL: 'silent',
    })
  })
  afterAll(async () => {
    await server?.dispose()
    await provider?.close()
  })

  test('code, PKCE, state and nonce: in through the provider, with the roles of its claim', async () => {
    const options = await fetch(`${server.adminUrl}/admin/v1/session/options`)
    expect(await options.json()).toEqual({ oidc: true, issuerName: 'Company sign-in', cookie: false })
    provider.person = { id: 'grace', roles: ['key-manager', 'unknown'] }
    const browser = createBrowser(server.adminUrl)
    const start = await browser.visit('/admin/oidc/start')
    const asked = new URL(start.headers.get('location')!).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.get(name)!.length).toBeGreaterThan(20)
    const end = await browser.follow('/admin/oidc/start')
    expect(end.href).toBe(`${server.adminUrl}/`)
    expect(await (await browser.session()).json()).toEqual({
      actor: `oidc:${provider.issuer}#grace`,
      roles: ['key-manager'],
      oidc: true,
    })
    expect((await browser.visit('/admin/v1/tokens')).status).toBe(403)
  })

  test('a person without a role of ours stays outside', async () => {
    provider.person = { id: 'eve', roles: ['guest'] }
    const browser = createBrowser(server.adminUrl)
    expect((await browser.follow('/admin/oidc/start')).search).toBe('?signInError=ACCESS_DENIED')
    expect((await browser.session()).status).toBe(401)
  })

  test('a person who says no stays outside', async () => {
    provider.refuse = true
    const browser = createBrowser(server.adminUrl)
    expect((await browser.follow('/admin/oidc/start')).search).toBe('?signInError=UNAUTHENTICATED')
    provider.refuse = false
    expect((await browser.session()).status).toBe(401)
  })

  test('an answer that this browser did not ask for is refused', async () => {
    provider.person = { id: 'mallory', roles: ['admin'] }
    // Mallory goes as far as her own code, and plants its address in a victim's browser.
    const mallory = createBrowser(server.adminUrl)
    let url = new URL((await mallory.visit('/admin/oidc/start')).headers.get('location')!)
    while (url.origin !== new URL(server.adminUrl).origin) {
      url = new URL((await mallory.visit(url.href)).headers.get('location')!, url)
    }
    const victim = createBrowser(server.adminUrl)
    const planted = await victim.visit(url.href)
    expect(planted.headers.get('location')).toBe('/?signInError=UNAUTHENTICATED')
    await victim.visit('/admin/oidc/start')
    const mixed = await victim.visit(url.href)
    expect(mixed.headers.get('location')).toBe('/?signInError=UNAUTHENTICATED')
    expect((await victim.session()).status).toBe(401)
    // Her own browser may finish, once.
    expect((await mallory.visit(url.href)).headers.get('location')).toBe('/')
    expect((await mallory.visit(url.href)).headers.get('location')).toBe('/?signInError=UNAUTHENTICATED')
  })

  test('sign-ins that are only begun are rate-limited, since each is kept', async () => {
    const start = () => fetch(`${server.adminUrl}/admin/oidc/start`, { redirect: 'manual' })
    const places = new Set<string>()
    clock.hold()
    for (let i = 0; i < 70; i++) places.add((await start()).headers.get('location')!)
    clock.go()
    expect(places).toContain('/?signInError=RATE_LIMITED')
  })

  test('a provider that is down is said to be, and the next try asks again', async () => {
    const server = await startTestServer(engine, {
      KEYHAVEN_OIDC_ISSUER: `http://127.0.0.1:${await freePort()}`,
      KEYHAVEN_OIDC_CLIENT_ID: 'x',
      KEYHAVEN_LOG_LEVEL: 'silent',
    })
    try {
      const answer = await fetch(`${server.adminUrl}/admin/oidc/start`, { redirect: 'manual' })
      expect(answer.headers.get('location')).toBe('/?signInError=UPSTREAM_FAILED')
    } finally {
      await server.dispose()
    }
  })
})
