import { connect } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCertificate } from '../packages/identity/src/index.ts'
import { useTestKeys } from '../packages/identity/test/kit/use-test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import { TEST_ADMIN_TOKEN } from './kit/server-process.ts'
import { startTestServer, type TestServer } from './kit/test-server.ts'

// What MOSIP's addresses leave to TLS alone can be called through the sealed channel: the same routes, behind
// /v1/identity at the public address of the role.

const HEADERS = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
const ROOT = 'applicationId=ROOT&referenceId='

describe.each([
  { role: 'main', path: `/v1/identity/v1/keymanager/getCertificate?${ROOT}` },
  { role: 'ida', path: `/v1/identity/idauthentication/v1/internal/getCertificate?${ROOT}` },
])('role $role', ({ role, path }) => {
  let server: TestServer
  let stopTestKeys: () => void
  beforeAll(async () => {
    stopTestKeys = useTestKeys()
    const env = { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0', KEYHAVEN_ROLE: role }
    server = await startTestServer(ENGINES[0]!, env)
  })
  afterAll(async () => {
    stopTestKeys()
    await server?.dispose()
  })

  test('answers the routes of its listener through the channel, and not beside it', async () => {
    const { rootThumbprints } = server.defaultApplication!
    const app = connect({ url: server.publicUrl, applicationId: 'demo', trust: { rootThumbprints } })
    try {
      const answer = await app.fetch(path, { headers: HEADERS })
      expect(answer.status).toBe(200)
      const { response } = (await answer.json()) as { response: { certificate: string } }
      expect(parseCertificate(response.certificate).isCa).toBe(true)
      const unsealed = await fetch(`${server.publicUrl}${path}`, { headers: HEADERS })
      expect([403, 404]).toContain(unsealed.status)
      // Never what is for operators: neither behind the prefix nor without it.
      for (const admin of [
        '/v1/identity/admin/v1/audit',
        '/admin/v1/audit',
        '/v1/identity/metrics',
        '/metrics',
      ]) {
        const status = await app.fetch(admin, { headers: HEADERS }).then(
          (one) => one.status,
          ({ code }: { code: string }) => code,
        )
        expect([404, 403, 'ACCESS_DENIED', 'NOT_FOUND', 'GATEWAY_REFUSED', 'INPUT_INVALID']).toContain(status)
      }
    } finally {
      app.close()
    }
  })
})

test('a secret goes in and out of the key manager without being seen on the way', async () => {
  const stopTestKeys = useTestKeys()
  const server = await startTestServer(ENGINES[0]!, { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' })
  const seen: string[] = []
  const { rootThumbprints } = server.defaultApplication!
  const app = connect({
    ...{ url: server.publicUrl, applicationId: 'demo', trust: { rootThumbprints } },
    fetch: async (input, init) => {
      const request = new Request(input, init)
      seen.push(request.url, Buffer.from(await request.clone().arrayBuffer()).toString('latin1'))
      const answer = await fetch(request)
      seen.push(Buffer.from(await answer.clone().arrayBuffer()).toString('latin1'))
      return answer
    },
  })
  try {
    const call = async (name: string, request: object) => {
      const answer = await app.fetch(`/v1/identity/v1/keymanager/${name}`, {
        method: 'POST',
        headers: { ...HEADERS, 'content-type': 'application/json' },
        body: JSON.stringify({ id: '', version: '', requesttime: new Date().toISOString(), request }),
      })
      return ((await answer.json()) as { response: { data: string } }).response.data
    }
    const secret = Buffer.from('INVENTED-SECRET-7193064825').toString('base64url')
    const key = { applicationId: 'ID_REPO', referenceId: 'uin', timeStamp: new Date().toISOString() }
    const sealed = await call('encrypt', { ...key, data: secret })
    expect(await call('decrypt', { ...key, data: sealed })).toBe(secret)
    expect(seen.length).toBeGreaterThan(6)
    const all = seen.join('\n')
    for (const text of [
      secret,
      'INVENTED-SECRET',
      sealed.slice(0, 40),
      'ID_REPO',
      TEST_ADMIN_TOKEN,
      'keymanager',
    ]) {
      expect(all).not.toContain(text)
    }
  } finally {
    app.close()
    stopTestKeys()
    await server.dispose()
  }
})
