import { backend, fromBase64url, toBase64url, utf8 } from '@keyhaven/crypto'
import {
  encryptJwe,
  machineKeyIndex,
  openHybrid,
  openJwe,
  openKeyAtRest,
  openWithPin,
  saltedDigest,
  sealKeyAtRest,
  sealLayoutA,
  sealLayoutB,
  sealLayoutC,
  sealWithPin,
  signDetachedJws,
  signJwt,
  tokenId,
  upperHexDigest,
  verifyDetachedJws,
  verifyJwt,
} from '@keyhaven/identity'
import { beforeAll, describe, expect, test } from 'vitest'
import { type TestHolder, testHolder, testKeyPkcs8 } from '../packages/identity/test/kit/test-keys.ts'
import { type InteropAnswer, type InteropRequest, runInterop } from './kit/mosip-interop.ts'

const PLAINTEXT = utf8('Ünïcode, made up: 人')
const IV = new Uint8Array(16).fill(3)
const AAD = new Uint8Array(32).fill(5)
const LARGE = new Uint8Array(300_000).map((_byte, at) => at % 251)

let holder: TestHolder
let certificate: string
let key: string

beforeAll(async () => {
  holder = await testHolder(2)
  certificate = toBase64url(holder.certificate.der)
  key = toBase64url(testKeyPkcs8(2))
})

const one = async (request: InteropRequest): Promise<InteropAnswer> => (await runInterop([request]))[0]!
const bytesOf = (answer: InteropAnswer, field = 'data') => fromBase64url(String(answer[field]))
const trust = () => {}

describe('an implementation in Python, written from the description of MOSIP’s formats', () => {
  test('opens what we seal in the layouts A, B and C', async () => {
    const sealed = [
      ['A', await sealLayoutA(backend, holder.recipient, PLAINTEXT, IV, AAD), { iv: IV, aad: AAD }],
      ['A', await sealLayoutA(backend, holder.recipient, PLAINTEXT, IV.subarray(4)), { iv: IV.subarray(4) }],
      ['B', await sealLayoutB(backend, holder.recipient, PLAINTEXT, AAD), { aad: AAD }],
      ['B', await sealLayoutB(backend, holder.recipient, PLAINTEXT), {}],
      ['C', await sealLayoutC(backend, holder.recipient, PLAINTEXT), {}],
      ['C', await sealLayoutC(backend, holder.recipient, LARGE), {}],
    ] as const
    const requests = sealed.map(([layout, data, beside]) => ({
      op: 'hybrid-open',
      ...{ layout, key, certificate, data: toBase64url(data) },
      ...Object.fromEntries(Object.entries(beside).map(([name, bytes]) => [name, toBase64url(bytes)])),
    }))
    const opened = (await runInterop(requests)).map((answer) => bytesOf(answer, 'plaintext'))
    expect(opened).toEqual([...Array(5).fill(PLAINTEXT), LARGE])
  })

  test('seals what we open, in the layouts A, B and C, and without a thumbprint', async () => {
    const given = { op: 'hybrid-seal', certificate, plaintext: toBase64url(PLAINTEXT) }
    const iv = toBase64url(IV)
    const aad = toBase64url(AAD)
    const cases = [
      [
        { ...given, layout: 'A', iv, aad },
        { iv: IV, aad: AAD },
      ],
      [{ ...given, layout: 'A', iv }, { iv: IV }],
      [{ ...given, layout: 'A', iv, legacy: true }, { iv: IV }],
      [{ ...given, layout: 'B', aad }, { aad: AAD }],
      [{ ...given, layout: 'B' }, {}],
      [{ ...given, layout: 'B', legacy: true }, {}],
      [{ ...given, layout: 'C' }, {}],
      [{ ...given, layout: 'C', legacy: true }, {}],
    ] as const
    const sealed = await runInterop(cases.map(([request]) => request))
    for (const [at, answer] of sealed.entries()) {
      expect(await openHybrid(backend, holder.opener, bytesOf(answer), cases[at]![1])).toEqual(PLAINTEXT)
    }
  })

  test('wraps and unwraps session keys as MOSIP’s Android clients', async () => {
    const secret = backend.randomBytes(32)
    const ours = await backend.rsa.encryptOaep(holder.recipient.publicKey, secret, 'SHA-1')
    const [unwrapped, wrapped] = await runInterop([
      { op: 'android-unwrap', key, data: toBase64url(ours) },
      { op: 'android-wrap', certificate, plaintext: toBase64url(secret) },
    ])
    expect(bytesOf(unwrapped!, 'plaintext')).toEqual(secret)
    expect(await backend.rsa.decryptOaep(holder.key, bytesOf(wrapped!), 'SHA-1')).toEqual(secret)
    const other = async () => backend.rsa.decryptOaep(holder.key, bytesOf(wrapped!))
    await expect(other()).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })

  test('reads private keys at rest, and writes them', async () => {
    const secret = testKeyPkcs8(3)
    const ours = await sealKeyAtRest(backend, holder.recipient.publicKey, secret)
    const [opened, sealed] = await runInterop([
      { op: 'key-at-rest-open', key, data: ours },
      { op: 'key-at-rest-seal', key, plaintext: toBase64url(secret) },
    ])
    expect(bytesOf(opened!, 'plaintext')).toEqual(secret)
    const unwrap = async (wrapped: Uint8Array) => backend.rsa.decryptOaep(holder.key, wrapped)
    expect(await openKeyAtRest(backend, unwrap, String(sealed!.data))).toEqual(secret)
  })

  test('encrypts with a PIN, and decrypts', async () => {
    const pin = { pin: '13579', iterations: 1_000 }
    const ours = await sealWithPin(backend, pin.pin, PLAINTEXT, pin.iterations)
    const [opened, sealed] = await runInterop([
      { op: 'pin-open', ...pin, data: toBase64url(ours) },
      { op: 'pin-seal', ...pin, plaintext: toBase64url(PLAINTEXT) },
    ])
    expect(bytesOf(opened!, 'plaintext')).toEqual(PLAINTEXT)
    expect(await openWithPin(backend, pin.pin, bytesOf(sealed!), pin.iterations)).toEqual(PLAINTEXT)
  })

  test('signs and verifies JWS, whole and detached', async () => {
    const payload = toBase64url(utf8('{"made":"up"}'))
    const [whole, detached, , ours] = await runInterop([
      { op: 'jwt-sign', key, certificate, payload },
      { op: 'jwt-sign', key, certificate, payload, detached: true },
      { op: 'jwt-verify', jws: await signJwt(holder.signer, fromBase64url(payload)) },
      { op: 'jwt-verify', jws: await signDetachedJws(holder.signer, fromBase64url(payload)), payload },
    ])
    expect(ours).toEqual({ payload })
    expect((await verifyJwt(backend, String(whole!.jws), { trust })).payload).toEqual(fromBase64url(payload))
    await verifyDetachedJws(backend, String(detached!.jws), fromBase64url(payload), { trust })
  })

  test('encrypts and decrypts JWE, compressed and not', async () => {
    for (const deflate of [true, false]) {
      const ours = await encryptJwe(backend, holder.recipient, LARGE, { deflate })
      const [opened, sealed] = await runInterop([
        { op: 'jwe-open', key, jwe: ours },
        { op: 'jwe-seal', certificate, plaintext: toBase64url(LARGE), deflate },
      ])
      expect(bytesOf(opened!, 'plaintext')).toEqual(LARGE)
      expect(await openJwe(backend, holder.opener, String(sealed!.jwe))).toEqual(LARGE)
    }
  })

  test('makes the same digests and partner tokens', async () => {
    const token = {
      uin: '3984105726',
      uinSalt: 'salt one',
      partnerCode: 'made-up',
      partnerCodeSalt: 'salt two',
    }
    const data = toBase64url(PLAINTEXT)
    const [digests, made] = await runInterop([
      { op: 'digest', data, salt: toBase64url(AAD) },
      { op: 'token-id', ...token },
    ])
    expect(digests).toEqual({
      plain: await upperHexDigest(PLAINTEXT),
      salted: await saltedDigest(PLAINTEXT, AAD),
      index: await machineKeyIndex(PLAINTEXT),
    })
    expect(made).toEqual({ token: await tokenId(token) })
    expect(await one({ op: 'token-id', ...token, partnerCode: 'other' })).not.toEqual(made)
  })
})
