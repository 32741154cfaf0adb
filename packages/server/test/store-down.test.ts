import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { postEnvelope, sealRaw } from '../../../test/kit/raw-envelope.ts'
import { selfSignedCertificate } from '../../../test/kit/self-signed-certificate.ts'
import { TEST_ENV } from '../../../test/kit/server-process.ts'
import { callAdmin } from '../../../test/kit/test-server.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { startServer } from '../src/serve.ts'

const SETTINGS = { ...TEST_ENV, KEYHAVEN_LOG_LEVEL: 'silent' }

test('without its database the server fails closed and says so, and /healthz still answers', async () => {
  const fixture = await createStateFixture(ENGINES[1]!, SETTINGS)
  const server = await startServer(fixture.config)
  try {
    await callAdmin(server.adminUrl, 'POST', '/applications', { id: 'app', suite: 'x25519' })
    const [key] = (await callAdmin(server.adminUrl, 'GET', '/applications/app/e2e-keys')).body.items
    const gateway = `${server.publicUrl}/gateway/app`
    expect((await postEnvelope(gateway, await sealRaw(key))).inner!.status).toBe(200)
    expect((await fetch(`${server.publicUrl}/readyz`)).status).toBe(200)

    await fixture.dispose() // the database is gone
    const refused = async () => {
      const answer = await postEnvelope(gateway, await sealRaw(key))
      return [answer.inner?.status ?? answer.status, answer.json.code]
    }
    await expect.poll(refused).toEqual([503, 'STORE_UNAVAILABLE'])
    const ready = await fetch(`${server.publicUrl}/readyz`)
    const problem = await ready.json()
    expect([ready.status, problem.code]).toEqual([503, 'STORE_UNAVAILABLE'])
    expect(problem).not.toHaveProperty('detail')
    const admin = `${server.adminUrl}/readyz`
    expect(await (await fetch(admin)).json()).not.toHaveProperty('detail')
    const headers = { authorization: `Bearer ${TEST_ENV.KEYHAVEN_ADMIN_TOKEN}` }
    const told = await fetch(admin, { headers })
    expect([told.status, typeof (await told.json()).detail]).toEqual([503, 'string'])
    const manifest = await fetch(`${gateway}/manifest`)
    expect([manifest.status, 'detail' in (await manifest.json())]).toEqual([503, false])
    expect((await fetch(`${server.publicUrl}/healthz`)).status).toBe(200)
    const signedIn = await callAdmin(server.adminUrl, 'GET', '/applications')
    expect([signedIn.status, typeof signedIn.body.detail]).toEqual([503, 'string'])
  } finally {
    await server.close()
  }
})

describe('addresses with TLS', () => {
  let fixture: StateFixture
  beforeAll(async () => {
    fixture = await createStateFixture(ENGINES[0]!, SETTINGS)
  })
  afterAll(() => fixture?.dispose())

  const withTls = (cert: string, key: string, more: Record<string, string> = {}) =>
    loadConfig({ ...fixture.env, KEYHAVEN_TLS_CERT: cert, KEYHAVEN_TLS_KEY: key, ...more })

  test('the public one, and the admin one where it can be reached from elsewhere', async () => {
    const { certificate, privateKey } = selfSignedCertificate()
    const [cert, key] = [join(fixture.folder, 'tls.crt'), join(fixture.folder, 'tls.key')]
    await writeFile(cert, certificate)
    await writeFile(key, privateKey)
    const local = await startServer(withTls(cert, key))
    expect([new URL(local.publicUrl).protocol, new URL(local.adminUrl).protocol]).toEqual(['https:', 'http:'])
    await local.close()
    const open = await startServer(withTls(cert, key, { KEYHAVEN_ADMIN_LISTEN: '0.0.0.0:0' }))
    expect(new URL(open.adminUrl).protocol).toBe('https:')
    await open.close()
  })

  test('a certificate that is missing or no certificate is said so', async () => {
    const nothing = join(fixture.folder, 'nothing')
    await expect(startServer(withTls(nothing, nothing))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await writeFile(join(fixture.folder, 'text'), 'no certificate')
    const text = join(fixture.folder, 'text')
    await expect(startServer(withTls(text, text))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('metrics need a token where the admin address can be reached from elsewhere', async () => {
    const server = await startServer(loadConfig({ ...fixture.env, KEYHAVEN_ADMIN_LISTEN: '0.0.0.0:0' }))
    try {
      expect((await fetch(`${server.adminUrl}/metrics`)).status).toBe(401)
      const authorization = `Bearer ${TEST_ENV.KEYHAVEN_ADMIN_TOKEN}`
      expect((await fetch(`${server.adminUrl}/metrics`, { headers: { authorization } })).status).toBe(200)
    } finally {
      await server.close()
    }
  })
})
