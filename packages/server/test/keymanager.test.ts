import { Writable } from 'node:stream'
import { backend, fromBase64url, toBase64url, utf8 } from '@keyhaven/crypto'
import { keyName, openHybrid, parseCertificate, sealLayoutC } from '@keyhaven/identity'
import { createKeymanager } from '@keyhaven/identity/service'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { openerOf, type TestHolder, testHolder } from '../../identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../identity/test/kit/use-test-keys.ts'
import { createIdentityCallers } from '../src/identity/identity-callers.ts'
import { createIdentityKeys } from '../src/identity/keys/create-identity-keys.ts'
import { createKeyPolicies } from '../src/identity/keys/key-policies.ts'
import { addKeymanagerRoutes } from '../src/identity/keys/keymanager-routes.ts'
import { createTokenStore } from '../src/platform/auth/token-store.ts'
import { createApp } from '../src/platform/http/create-app.ts'
import { createLogger } from '../src/platform/log/logger.ts'

const NAME = { applicationId: 'ID_REPO', referenceId: 'uin' }
const TEXT = 'a made-up identity'
const SALT = toBase64url(new Uint8Array(16).fill(7))
const AAD = toBase64url(new Uint8Array(32).fill(9))

type Call = (path: string, request: unknown, token?: string) => Promise<{ status: number; body: Answer }>
interface Answer {
  readonly response: Record<string, string> | null
  readonly errors: { errorCode: string; message: string }[] | null
  readonly [name: string]: unknown
}

describe.each(ENGINES)('the key manager over HTTP on $name', (engine) => {
  let fixture: StateFixture
  let call: Call
  let get: (path: string) => Promise<Answer>
  let holder: TestHolder
  let policies: ReturnType<typeof createKeyPolicies>
  let auditor: string
  let other: string
  let restore: () => void

  beforeAll(async () => {
    restore = useTestKeys()
    holder = await testHolder(15)
    fixture = await createStateFixture(engine)
    const state = await fixture.open({ schedule: false })
    const tokens = createTokenStore(state, 'kh_admin', Date.now)
    const make = async (name: string, roles: Parameters<typeof tokens.create>[0]['roles']) =>
      (await tokens.create({ name, roles, expiresAt: null }, 'cli:local')).token
    const service = await make('packets', ['identity-service'])
    other = await make('other', ['identity-service'])
    auditor = await make('auditor', ['auditor'])
    const keys = createIdentityKeys({
      ...{ state, applicationId: 'demo', profile: 'mosip', role: 'main', clock: Date.now },
      partnerCertificate: () => holder.certificate,
    })
    policies = createKeyPolicies(state, 'demo')
    const keymanager = createKeymanager({
      ...{ backend, keys, policies, clock: Date.now, pinIterations: 10 },
      trust: (domain, [leaf]) => {
        if (domain !== 'AUTH' || leaf.commonName !== 'KERNEL-SIGN') throw new Error('not asked for')
      },
    })
    const app = createApp(
      createLogger('silent', new Writable({ write: (_chunk, _encoding, done) => done() })),
    )
    const callers = createIdentityCallers({ tokens, oidc: undefined, clock: Date.now })
    addKeymanagerRoutes(app, { keymanager, keys, callers, clock: Date.now })
    const origin = { sealed: false, remoteAddress: '127.0.0.1', secure: false } as const
    const fetch = async (path: string, init: RequestInit, token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return app.fetch(new Request(`http://localhost/v1/keymanager/${path}`, { ...init, headers }), {
        origin,
      })
    }
    call = async (path, request, token = service) => {
      const body = JSON.stringify({ id: 'test', version: '1.0', requesttime: '', metadata: {}, request })
      const answer = await fetch(path, { method: 'POST', body }, token)
      return { status: answer.status, body: (await answer.json()) as Answer }
    }
    get = async (path) => (await (await fetch(path, {}, service)).json()) as Answer
  })
  afterAll(async () => {
    restore()
    await fixture.dispose()
  })

  const encode = (text: string) => toBase64url(utf8(text))

  test.each([
    ['layout A', { salt: SALT, aad: AAD }, 32 + 256 + 14 + 16],
    ['layout A without associated data', { salt: SALT }, 32 + 256 + 14 + 16],
    ['layout B', { aad: AAD }, 32 + 256 + 14 + 16 + 16],
    ['layout C', {}, 356],
    ['layout C with empty fields', { salt: '', aad: null }, 356],
  ])('%s is encrypted and decrypted', async (_name, beside, overhead) => {
    const sealed = await call('encrypt', { ...NAME, timeStamp: new Date(), data: encode(TEXT), ...beside })
    expect(sealed.body).toMatchObject({ id: 'test', version: '1.0', errors: null })
    const data = sealed.body.response!.data!
    expect(fromBase64url(data).length).toBe(TEXT.length + overhead)
    const opened = await call('decrypt', { ...NAME, data, ...beside })
    expect(opened.body.response).toEqual({ data: encode(TEXT) })
  })

  test('what is sealed to the certificate it gives opens here; to a partner, at the partner', async () => {
    const { response } = await get('getCertificate?applicationId=ID_REPO&referenceId=uin')
    const certificate = parseCertificate(response!.certificate!)
    const sealed = await sealLayoutC(
      backend,
      { thumbprint: certificate.thumbprint, publicKey: certificate.publicKey },
      utf8(TEXT),
    )
    const opened = await call('decrypt', { ...NAME, data: toBase64url(sealed) })
    expect(opened.body.response).toEqual({ data: encode(TEXT) })
    const shared = await call('encrypt', {
      ...{ applicationId: 'PARTNER', referenceId: 'mpartner-default-print', data: encode(TEXT) },
    })
    const bytes = fromBase64url(shared.body.response!.data!)
    const theirs = await get('getCertificate?applicationId=PARTNER&referenceId=mpartner-default-print')
    expect(parseCertificate(theirs.response!.certificate!)).toBe(holder.certificate)
    expect(await openHybrid(backend, openerOf([holder]), bytes)).toEqual(utf8(TEXT))
  })

  test('failures to decrypt cannot be told apart', async () => {
    const { body } = await call('encrypt', { ...NAME, data: encode(TEXT) })
    const sealed = fromBase64url(body.response!.data!)
    const flipped = (at: number) => sealed.map((byte, index) => (index === at ? byte ^ 1 : byte))
    const samples = [
      ...[0, 6, 20, 38, 200, 293, 294, 307, 308, 320, 339, 345, sealed.length - 1].map(flipped),
      sealed.subarray(0, 100),
      sealed.subarray(0, -1),
      Uint8Array.of(...sealed, 0),
      sealed.subarray(6),
      await sealLayoutC(backend, holder.recipient, utf8(TEXT)),
    ]
    const answers = new Set<string>()
    for (const sample of samples) {
      const { status, body: refused } = await call('decrypt', { ...NAME, data: toBase64url(sample) })
      answers.add(JSON.stringify([status, refused.errors, refused.response]))
    }
    for (const request of [
      { ...NAME, referenceId: 'identity_data', data: toBase64url(sealed) },
      { ...NAME, data: toBase64url(sealed), salt: SALT },
      { ...NAME, data: toBase64url(sealed), aad: AAD },
      { ...NAME, data: 'not base64!' },
    ]) {
      const { status, body: refused } = await call('decrypt', request)
      answers.add(JSON.stringify([status, refused.errors, refused.response]))
    }
    expect([...answers]).toEqual([
      JSON.stringify([
        200,
        [{ errorCode: 'KER-CRY-003', message: 'the data is not valid, or not for this key' }],
        null,
      ]),
    ])
  })

  test.each([
    ['KERNEL', 'SIGN', 'KER-KMS-010'],
    ['KERNEL', 'IDENTITY_CACHE', 'KER-KMS-010'],
    ['ID_REPO', '', 'KER-KMS-010'],
    ['ID_REPO', 'unheard', 'KER-KMS-002'],
    ['ID REPO', 'uin', 'KER-CRY-004'],
  ])('nothing is encrypted to %s / %s', async (applicationId, referenceId, code) => {
    const { body } = await call('encrypt', { applicationId, referenceId, data: encode(TEXT) })
    expect(body.errors![0]!.errorCode).toBe(code)
    expect(body.response).toBeNull()
  })

  test.each([
    ['no data', { ...NAME }],
    ['an empty plaintext', { ...NAME, data: '' }],
    ['a number for data', { ...NAME, data: 7 }],
    ['no request', null],
  ])('%s is refused', async (_what, request) => {
    expect((await call('encrypt', request)).body.errors![0]!.errorCode).toBe('KER-CRY-004')
  })

  test('signs and verifies, with payload and detached', async () => {
    const dataToSign = encode('{"made":"up"}')
    for (const includePayload of [true, false]) {
      const signed = await call('jwtSign', { dataToSign, includePayload, includeCertificate: true })
      const jwtSignatureData = signed.body.response!.jwtSignedData!
      expect(jwtSignatureData.split('.')[1]).toBe(includePayload ? dataToSign : '')
      const verify = (over: object) =>
        call('jwtVerify', { jwtSignatureData, ...(!includePayload && { actualData: dataToSign }), ...over })
      expect((await verify({})).body.response).toEqual({
        signatureValid: true,
        message: 'Validation Successful',
        trustValid: 'TRUST_NOT_VERIFIED',
      })
      expect((await verify({ validateTrust: true, domain: 'AUTH' })).body.response).toMatchObject({
        trustValid: 'TRUST_CERT_PATH_VALID',
      })
      expect((await verify({ actualData: encode('{"made":"down"}') })).body.response).toMatchObject({
        signatureValid: false,
        message: 'Validation Failed',
      })
    }
    expect((await call('jwtSign', { dataToSign: encode('no JSON') })).body.errors).toHaveLength(1)
    const bare = await call('jwtSign', { dataToSign, includePayload: true })
    const jwtSignatureData = bare.body.response!.jwtSignedData!
    expect((await call('jwtVerify', { jwtSignatureData })).body.response).toMatchObject({
      signatureValid: true,
    })
    const base = await call('jwtSign', { ...NAME, dataToSign })
    expect(base.body.errors![0]!.errorCode).toBe('KER-KMS-010')
  })

  test('a PIN opens what it sealed, another does not', async () => {
    const { body } = await call('encryptWithPin', { userPin: '4711', data: TEXT })
    const { data } = body.response!
    expect((await call('decryptWithPin', { userPin: '4711', data })).body.response).toEqual({ data: TEXT })
    const wrong = await call('decryptWithPin', { userPin: '4712', data })
    expect(wrong.body.errors![0]!.errorCode).toBe('KER-CRY-003')
  })

  test('only services come in; a key policy keeps the others out', async () => {
    expect((await call('encrypt', { ...NAME, data: encode(TEXT) }, auditor)).status).toBe(403)
    expect((await call('encrypt', { ...NAME, data: encode(TEXT) }, 'kh_unknown')).status).toBe(401)
    const { body } = await call('encrypt', { ...NAME, data: encode(TEXT) })
    const { data } = body.response!
    await policies.set('ID_REPO', ['token:packets'], 'cli:local')
    try {
      expect((await call('decrypt', { ...NAME, data })).body.response).toEqual({ data: encode(TEXT) })
      expect((await call('decrypt', { ...NAME, data }, other)).body.errors![0]!.errorCode).toBe('KER-KMS-010')
      expect((await call('encrypt', { ...NAME, data: encode(TEXT) }, other)).body.errors).toBeNull()
    } finally {
      await policies.set('ID_REPO', [], 'cli:local')
    }
    expect((await call('decrypt', { ...NAME, data }, other)).body.response).toEqual({ data: encode(TEXT) })
  })

  test('a body over the limit is refused before it is read', async () => {
    const { status } = await call('encrypt', { ...NAME, data: 'A'.repeat(16 * 1_024 * 1_024) })
    expect(status).toBe(413)
  })

  test('a renewed key’s certificate is the one that is given', async () => {
    const name = keyName('REGISTRATION', '10001_10077')
    const path = `getCertificate?applicationId=${name.appId}&referenceId=${name.refId}`
    const first = (await get(path)).response!
    expect(new Date(first.expiryAt!).getTime()).toBeGreaterThan(Date.now() + 700 * 86_400_000)
    expect(parseCertificate(first.certificate!).commonName).toBe('REGISTRATION-10001_10077')
  })
})
