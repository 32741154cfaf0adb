import { SETTING_NAMES } from '@keyhaven/server'
import { afterAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES } from './kit/engines.ts'
import { SERVER_SOURCE, startServerProcess } from './kit/server-process.ts'
import type { TestServer } from './kit/test-server.ts'
import { startTestServer } from './kit/test-server.ts'

const [SQLITE] = ENGINES
const REPORT_LOADED = `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) {
  if (url.includes('/identity/') || url.includes('x509')) process.stderr.write('LOADED ' + url + '\\n')
  return next(url, context)
} })`
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(REPORT_LOADED)}`

const running: TestServer[] = []
afterAll(async () => {
  for (const server of running) await server.dispose()
})

async function start(env: Readonly<Record<string, string>>): Promise<TestServer> {
  const server = await startTestServer(SQLITE!, env)
  running.push(server)
  return server
}

async function loadedCode(env: Readonly<Record<string, string>>): Promise<string[]> {
  const fixture = await createStateFixture(SQLITE!, { ...env, NODE_OPTIONS })
  const server = await startServerProcess(fixture.env, { main: SERVER_SOURCE })
  await server.stop()
  await fixture.dispose()
  return [...server.log().matchAll(/^LOADED (.*)$/gm)].map((match) => match[1]!)
}

test('no setting turns off a check of identity data', () => {
  const suspicious = /DISABLE|SKIP|VERIF|VALIDAT|TRUST|SIGNATURE|HASH|INSECURE|IGNORE|CERTIFICATE/
  expect(SETTING_NAMES.length).toBeGreaterThan(50)
  expect(SETTING_NAMES.filter((name) => suspicious.test(name))).toEqual([])
})

describe('identity is off unless asked for', () => {
  test('a server without it loads neither its package nor any library of it', async () => {
    const loaded = await loadedCode({})
    const heavy = /\/packages\/identity\/src\/index\.ts$|\/x509\/|\/server\/src\/identity\/identity-/
    expect(loaded.filter((url) => heavy.test(url))).toEqual([])
    expect(loaded.some((url) => url.endsWith('/identity/ida/schema.ts'))).toBe(true)
  })

  test('with it, the same look finds them', async () => {
    const loaded = await loadedCode({ KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' })
    for (const end of ['/identity/src/index.ts', '/identity/identity-app.ts', '/x509/verify-chain.ts']) {
      expect(loaded.some((url) => url.endsWith(end))).toBe(true)
    }
  })
})

describe.each(['main', 'ida', 'oprf'])('role %s', (role) => {
  test('has a listener of its own beside public and admin address', async () => {
    const server = await start({ KEYHAVEN_ROLE: role, KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' })
    expect(new Set([server.publicUrl, server.adminUrl, server.identityUrl]).size).toBe(3)
    const health = await fetch(`${server.identityUrl}/readyz`)
    expect(health.status).toBe(200)
    const nothing = await fetch(`${server.identityUrl}/idauthentication/v2/auth/key/partner/api-key`)
    expect([nothing.status, (await nothing.json()).code]).toEqual([404, 'NOT_FOUND'])
    expect((await fetch(`${server.publicUrl}/v1/identity/registrations/1`)).status).not.toBe(200)
    expect((await server.admin('GET', '/applications')).status).toBe(200)
  })
})

test('an IDA that starts with the address of its issuer pins the issuer’s root by itself', async () => {
  const identity = { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' }
  const main = await start(identity)
  const issuerUrl = main.identityUrl!
  const without = (referenceId: string, applicationId: string) =>
    fetch(
      `${issuerUrl}/v1/keymanager/getCertificate?applicationId=${applicationId}&referenceId=${referenceId}`,
    ).then(async (answer) => (await answer.json()) as { response: { certificate: string } | null })
  expect((await without('', 'ROOT')).response?.certificate).toContain('BEGIN CERTIFICATE')
  expect((await without('uin', 'ID_REPO')).response).toBeNull()
  expect((await without('x', 'ROOT')).response).toBeNull()
  const ida = await start({ ...identity, KEYHAVEN_ROLE: 'ida', KEYHAVEN_ISSUER_URL: issuerUrl })
  await expect
    .poll(
      async () => ((await ida.admin('GET', '/identity/authentication')).body as { issuer: unknown }).issuer,
    )
    .toMatchObject({ subject: expect.stringContaining('CN=ROOT') })
})

test('a call is logged by its route: keys in the path stay out of the log', async () => {
  const fixture = await createStateFixture(SQLITE!, {
    KEYHAVEN_ROLE: 'ida',
    KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
    KEYHAVEN_LOG_LEVEL: 'trace',
  })
  const server = await startServerProcess(fixture.env)
  const path = '/idauthentication/v1/auth/licence-4711/partner-1/secret-4712'
  for (const [method, body] of [
    ['POST', '{}'],
    ['POST', 'x'.repeat(9)],
    ['GET', undefined],
  ] as const) {
    const init = { method, ...(body === undefined ? {} : { body }) }
    await fetch(`${server.identityUrl}${path}`, init).then((answer) => answer.text())
  }
  await fetch(`${server.identityUrl}${path}/nothing-4713?key=4714`).then((answer) => answer.text())
  await server.stop()
  await fixture.dispose()
  expect(server.log()).toContain('identity call')
  expect(server.log()).not.toMatch(/471[1-4]/)
})
