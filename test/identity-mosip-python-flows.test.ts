import { afterAll, beforeAll, expect, test } from 'vitest'
import { backend, fromBase64url, toBase64url, utf8 } from '../packages/crypto/src/node/index.ts'
import { signShare } from '../packages/identity/src/datashare/share-signature.ts'
import {
  type BiometricBlock,
  hashChain,
  keyName,
  openBioValue,
  sealAuthClaims,
} from '../packages/identity/src/index.ts'
import { simulatedBiometric } from '../packages/identity/src/simulator/simulated-biometric.ts'
import { openMosipAttribute, withMosipKey } from '../packages/identity/src/vault/mosip-attribute.ts'
import { type TestHolder, testHolder, testKeyPkcs8 } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  API_KEY,
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  IDA_URL,
  LICENCE_KEY,
  openAuthWorld,
  PARTNER_ID,
} from './kit/identity-authentication.ts'
import { personOf } from './kit/identity-vault.ts'
import { type InteropAnswer, type InteropRequest, runInterop } from './kit/mosip-interop.ts'

// The layouts of MOSIP's flows, by an implementation in Python that was written from their description alone:
// zero-knowledge encryption, requests and answers of ID authentication, biometrics of L1 devices, shares.

const UIN = '7193064825'
const PARTNER_KEY = 4
const one = async (request: InteropRequest): Promise<InteropAnswer> => (await runInterop([request]))[0]!
const keyOf = (index: number, { certificate }: Pick<TestHolder, 'certificate'>) => ({
  key: toBase64url(testKeyPkcs8(index)),
  certificate: toBase64url(certificate.der),
})

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld(ENGINES[0]!, 'mosip')
  await world.vault.enrol(UIN)
})
afterAll(() => world.dispose())

const fields = () => personOf(UIN).identity as Record<string, unknown>

/** A whole call that Python seals and signs; its answer as it came, verified by Python. */
async function call(kind: 'auth' | 'kyc', claims: object, more: object = {}) {
  const k20 = await world.vault.keys.ida.certificate(keyName('IDA', 'PARTNER'))
  const now = new Date(world.vault.now()).toISOString()
  const sealed = await one({
    ...{ op: 'auth-seal', certificate: toBase64url(k20.der) },
    claims: JSON.stringify({ timestamp: now, ...claims }),
  })
  const body = JSON.stringify({
    ...{ id: `mosip.identity.${kind}`, version: '1.0', requestTime: now, transactionID: 'PYTHON0001' },
    ...{ individualId: UIN, individualIdType: 'UIN', consentObtained: true, env: ENV, domainUri: DOMAIN_URI },
    requestedAuth: { otp: false, demo: true, bio: false },
    ...{ ...sealed, ...more },
  })
  const { jws } = await one({
    ...{
      op: 'jwt-sign',
      detached: true,
      ...keyOf(PARTNER_KEY, world.partner),
      payload: toBase64url(utf8(body)),
    },
  })
  const path = `/idauthentication/v1/${kind}/${LICENCE_KEY}/${PARTNER_ID}/${API_KEY}`
  const headers = { 'content-type': 'application/json', signature: String(jws) }
  const answer = await world.fetch(new Request(IDA_URL + path, { method: 'POST', headers, body }))
  const text = await answer.text()
  const signature = answer.headers.get('response-signature')!
  await one({ op: 'jwt-verify', jws: signature, payload: toBase64url(utf8(text)) })
  return JSON.parse(text) as { response: Record<string, string>; errors: unknown }
}

test('zero-knowledge encryption: pool key, derivation, attribute and transport', async () => {
  const { vault } = world
  const { event, share } = await vault.issue('4850716392')
  const { data } = JSON.parse(new TextDecoder().decode(event.body)).event
  const { credentialSubject } = JSON.parse(new TextDecoder().decode(await vault.openShare(share)))
  const index = Number(data.demoRankomKeyIndex)
  const row = await vault.main.db
    .selectFrom('identity_pool_keys_mosip')
    .selectAll()
    .where('key_index', '=', index)
    .executeTakeFirstOrThrow()
  const master = await vault.keys.main.masterKey(keyName('KERNEL', 'IDENTITY_CACHE'))
  const poolKey = await master.unwrapEcb(Buffer.from(row.wrapped, 'base64'))
  const id = '4850716392'
  const of = { id, poolKey: toBase64url(poolKey) }
  const opened = await one({ op: 'zk-open', ...of, data: credentialSubject.phone })
  expect(opened).toEqual({ index, value: personOf(id).identity.phone })
  const sealed = await one({ op: 'zk-seal', ...of, index, value: 'Ünïcode 人' })
  const back = await withMosipKey(backend, poolKey, id, (key) =>
    openMosipAttribute(backend, key, fromBase64url(String(sealed.data))),
  )
  expect(new TextDecoder().decode(back)).toBe('Ünïcode 人')
  const hashed = await one({ op: 'id-hash', id, salt: data.SALT })
  expect(hashed).toEqual({ modulo: Number(data.MODULO), hash: data.id_hash })
  // ZKn-IDA, for an IDA whose private key we have.
  const k22 = await testHolder(8)
  await vault.issuer.recipients.add('ida-in-python', k22.certificate.der, 'test')
  const again = await vault.issuer.vault.subject(id, 'a request')
  const place = { record: 'r', partner: 'ida-in-python', policy: 'p' }
  const group = await again.seal(place, new Map([['phone', '1']]))
  const random = await one({ op: 'zk-random-key', ...keyOf(8, k22), data: group.encryptedRandomKey })
  const value = { op: 'zk-open', id, poolKey: random.plaintext, data: group.values.get('phone') }
  expect(await one(value)).toEqual({ index: group.index, value: '1' })
})

test('an authentication that Python seals and signs is a yes, and its answer is IDA’s', async () => {
  const { response, errors } = await call('auth', { demographics: { dob: String(fields().dateOfBirth) } })
  expect(errors).toBeNull()
  expect(response).toMatchObject({ authStatus: true, authToken: expect.stringMatching(/^\d{36}$/) })
})

test('eKYC: Python opens what is encrypted for the partner', async () => {
  const demographics = { dob: String(fields().dateOfBirth) }
  const { response, errors } = await call('kyc', { demographics }, { transactionID: 'PYTHON0002' })
  expect(errors).toBeNull()
  const { sessionKey, identity, thumbprint } = response
  const opened = await one({
    ...{ op: 'kyc-open', ...keyOf(PARTNER_KEY, world.partner) },
    ...{ sessionKey, identity, thumbprint },
  })
  const { fullName, gender, dateOfBirth } = fields()
  expect(JSON.parse(String(opened.identity))).toEqual({ fullName, gender, dateOfBirth })
})

test('a request of our client library opens in Python, its hash over the very text', async () => {
  const k20 = await testHolder(8)
  const claims = {
    timestamp: new Date().toISOString(),
    demographics: { name: [{ language: 'ara', value: 'اسم' }] },
  }
  const sealed = await sealAuthClaims(k20.recipient, claims)
  const opened = await one({ op: 'auth-open', ...keyOf(8, k20), ...sealed })
  expect(opened.claims).toBe(JSON.stringify(claims))
})

test('biometrics of a device open in Python and the other way round, with the chain of their hashes', async () => {
  const k21 = await testHolder(8)
  const device = await world.device('Finger')
  const parts = [
    { type: 'Finger', subtype: 'Left Thumb' },
    { type: 'Finger', subtype: 'Right Thumb' },
  ] as const
  const transactionId = 'TXN-0123456789-abcdefghijklmnop-longer-than-a-time'
  for (const transaction of ['TXN0000001', transactionId]) {
    const request = {
      ...({ purpose: 'Auth', transactionId: transaction, env: ENV, domainUri: DOMAIN_URI } as const),
      requestedAt: world.vault.now(),
    }
    const { biometrics } = await device.capture({ request, person: UIN, parts, recipient: k21.recipient })
    const payloads = biometrics.map(({ data }: BiometricBlock) =>
      JSON.parse(Buffer.from(data.split('.')[1]!, 'base64url').toString()),
    )
    const opened = await runInterop(
      biometrics.map(({ sessionKey, thumbprint }: BiometricBlock, at: number) => ({
        ...{ op: 'bio-open', ...keyOf(8, k21), sessionKey, thumbprint },
        ...{ bioValue: payloads[at].bioValue, transactionId: transaction, timestamp: payloads[at].timestamp },
      })),
    )
    const values = parts.map((part) => simulatedBiometric(UIN, part, transaction))
    expect(opened.map(({ value }) => value)).toEqual(values.map(toBase64url))
    const chain = await one({ op: 'hash-chain', values: values.map(toBase64url) })
    expect(biometrics.map(({ hash }: BiometricBlock) => hash).join(' ')).toBe(chain.hashes)
    const context = { timestamp: payloads[0].timestamp as string, transactionId: transaction }
    const certificate = toBase64url(k21.certificate.der)
    const sealed = await one({ op: 'bio-seal', certificate, value: toBase64url(values[0]!), ...context })
    const { bioValue, sessionKey, thumbprint } = sealed as Record<string, string>
    const parted = { bioValue: bioValue!, sessionKey: sessionKey!, thumbprint: thumbprint! }
    expect(await openBioValue(backend, k21.opener, parted, context)).toEqual(values[0])
  }
  expect(await hashChain(backend).next(utf8('a'))).toBe(
    (await one({ op: 'hash-chain', values: [toBase64url(utf8('a'))] })).hashes,
  )
})

test('the digest in a share’s signature is that of its hexadecimal digits', async () => {
  const { signer } = await testHolder(8)
  const data = utf8('{"made":"up"}')
  const facts = { filename: 'data', created: 0, expires: 1, keyId: 'print' }
  const jwt = await signShare(signer, facts, data)
  await one({ op: 'jwt-verify', jws: jwt })
  const payload = JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString())
  expect(payload.digest).toBe((await one({ op: 'share-digest', data: toBase64url(data) })).digest)
  expect(Object.keys(payload).sort()).toEqual([
    ...['created', 'digest', 'digestAlg', 'expires', 'filename', 'keyid'],
  ])
})
