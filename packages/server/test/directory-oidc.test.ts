import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backend, jwkThumbprint } from '@keyhaven/crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { TestOidcProvider } from '../../../test/kit/oidc.ts'
import { startOidcProvider } from '../../../test/kit/oidc.ts'
import { signInForIdToken } from '../../../test/kit/oidc-sign-in.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { createIdTokenVerifier } from '../src/directory/id-token-verifier.ts'
import { openUser } from './fixtures/directory-user.ts'

const REDIRECT = 'http://127.0.0.1:9/callback'
let provider: TestOidcProvider
let server: TestServer
beforeAll(async () => {
  provider = await startOidcProvider(REDIRECT)
  server = await startTestServer(ENGINES[0]!, {
    KEYHAVEN_USERS_OIDC_ISSUER: provider.issuer,
    KEYHAVEN_USERS_OIDC_CLIENT_ID: provider.clientId,
  })
})
afterAll(async () => {
  await server?.dispose()
  await provider?.close()
})

/** @returns the id token. */
const signIn = (person: string, nonce: string): Promise<string> => {
  provider.person = { id: person, roles: [] }
  return signInForIdToken(provider, REDIRECT, { nonce })
}

test('a sign-in registers the first device of the person, whose key the nonce names', async () => {
  const ada = await openUser(server, 'demo', 'ada')
  const nonce = await jwkThumbprint(backend, ada.device.signer.jwk)
  const idToken = await signIn('ada', nonce)
  await expect(ada.client.register('bob', ada.device, { idToken })).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
  })
  await ada.client.register('ada', ada.device, { idToken })
  expect((await ada.client.lookUp('ada')).devices).toHaveLength(1)
  // The same sign-in gives no second device, nor does one for another key.
  const second = await openUser(server, 'demo', 'ada')
  await expect(second.client.register('ada', second.device, { idToken })).rejects.toThrow()
  const users = (await server.admin('GET', '/applications/demo/directory/users')).body.items
  expect(users).toMatchObject([{ username: 'ada', signUp: `oidc:${provider.issuer}` }])
})

test('only a fresh token of this issuer for this client alone counts', async () => {
  const keys = await generateKeyPair('RS256')
  const other = await generateKeyPair('RS256')
  const listener = createServer((request, response) => {
    void (async () => {
      const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] }
      const body = request.url === '/jwks' ? jwks : { issuer, jwks_uri: `${issuer}/jwks` }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })()
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  const verifier = createIdTokenVerifier({ issuer, clientId: 'app' })
  const now = Math.floor(Date.now() / 1_000)
  const good = {
    iss: issuer,
    sub: 'ada',
    aud: 'app',
    nonce: randomBytes(8).toString('hex'),
    iat: now,
    exp: now + 60,
  }
  const sign = (claims: object, key = keys.privateKey) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(key)
  expect(await verifier.verifyIdToken(await sign(good))).toEqual({
    issuer,
    subject: 'ada',
    nonce: good.nonce,
  })
  const wrong = [
    await sign({ ...good, aud: 'other' }),
    await sign({ ...good, aud: ['app', 'other'], azp: 'app' }),
    await sign({ ...good, iss: 'https://elsewhere.example' }),
    await sign({ ...good, iat: now - 600, exp: now - 300 }),
    await sign({ ...good, nonce: undefined }),
    await sign(good, other.privateKey),
    `${(await sign(good)).split('.').slice(0, 2).join('.')}.`,
    'no.token.here',
    'x'.repeat(10_000),
  ]
  for (const idToken of wrong) {
    await expect(verifier.verifyIdToken(idToken)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  }
  const none = createIdTokenVerifier(undefined)
  await expect(none.verifyIdToken(await sign(good))).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  listener.closeAllConnections()
  listener.close()
})
