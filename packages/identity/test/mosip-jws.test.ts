import { backend, fromBase64url, fromUtf8, toBase64url, utf8 } from '@keyhaven/crypto'
import { compactVerify, importX509, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Certificate,
  certificateToPem,
  fromAnyBase64,
  fromHexDigest,
  mosipErrors,
  mosipResponse,
  readEnvelope,
  signDetachedJws,
  signJwt,
  tokenId,
  verifyChain,
  verifyDetachedJws,
  verifyJwt,
} from '../src/index.ts'
import { type TestHolder, testHolder, testKeyPkcs8 } from './kit/test-keys.ts'

const PAYLOAD = '{"made":"up"}'
let root: TestHolder
let holder: TestHolder
let stranger: TestHolder
beforeAll(async () => {
  root = await testHolder(0, { ca: true })
  holder = await testHolder(1, { issuedBy: root })
  stranger = await testHolder(2)
})

const trust = {
  trust: async ([leaf, ...intermediates]: readonly [Certificate, ...Certificate[]]) => {
    const anchors = [root.certificate]
    await verifyChain(leaf, { intermediates, anchors, at: Date.now(), revoked: () => false, usage: 'sign' })
  },
}
const bare = { kid: false, x5c: false } as const

describe('JWS', () => {
  test('jose verifies what we sign', async () => {
    const jws = await signJwt(holder.signer, PAYLOAD, { x5tS256: true, x5u: 'https://keys.example/1' })
    const key = await importX509(certificateToPem(holder.certificate), 'RS256')
    const { payload, protectedHeader } = await compactVerify(jws, key)
    expect(fromUtf8(payload)).toBe(PAYLOAD)
    const thumbprint = toBase64url(holder.certificate.thumbprint)
    expect(protectedHeader).toMatchObject({
      ...{ alg: 'RS256', kid: thumbprint, 'x5t#S256': thumbprint, x5u: 'https://keys.example/1' },
      x5c: [Buffer.from(holder.certificate.der).toString('base64')],
    })
  })

  test('we verify what jose signs', async () => {
    const key = await crypto.subtle.importKey(
      'pkcs8',
      Uint8Array.from(testKeyPkcs8(1)),
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const jws = await new SignJWT({ made: 'up' }).setProtectedHeader({ alg: 'RS256' }).sign(key)
    const verified = await verifyJwt(backend, jws, { ...trust, certificate: holder.certificate })
    expect(JSON.parse(fromUtf8(verified.payload))).toEqual({ made: 'up' })
    expect(verified.certificate).toBe(holder.certificate)
  })

  test('the certificate in the header goes before the given one, and is not trusted for being there', async () => {
    const jws = await signJwt(stranger.signer, PAYLOAD)
    await expect(
      verifyJwt(backend, jws, { ...trust, certificate: holder.certificate }),
    ).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })

  test('a detached signature is of the payload that came beside it', async () => {
    const jws = await signDetachedJws(holder.signer, PAYLOAD)
    expect(jws).toMatch(/^[\w-]+\.\.[\w-]+$/)
    expect((await verifyDetachedJws(backend, jws, utf8(PAYLOAD), trust)).payload).toEqual(utf8(PAYLOAD))
    const attached = await signJwt(holder.signer, PAYLOAD)
    for (const opening of [
      () => verifyDetachedJws(backend, jws, `${PAYLOAD} `, trust),
      () => verifyJwt(backend, jws, trust),
      () => verifyDetachedJws(backend, attached, PAYLOAD, trust),
    ]) {
      await expect(opening()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    }
  })

  const withHeader = async (change: object, signer = holder) => {
    const header = toBase64url(
      utf8(
        JSON.stringify({
          ...{ alg: 'RS256', x5c: [Buffer.from(holder.certificate.der).toString('base64')] },
          ...change,
        }),
      ),
    )
    const input = `${header}.${toBase64url(utf8(PAYLOAD))}`
    return `${input}.${toBase64url(await signer.signer.sign(utf8(input)))}`
  }

  test.each([
    ['another algorithm', { alg: 'PS256' }],
    ['no algorithm', { alg: 'none' }],
    ['a critical extension', { crit: ['exp'] }],
    ['an unencoded payload', { b64: false }],
    ['an empty list of certificates', { x5c: [] }],
    ['a certificate that is none', { x5c: ['AAAA'] }],
    ['certificates that are no list', { x5c: 'AAAA' }],
    ['too many certificates', { x5c: Array(9).fill('AAAA') }],
    ['the thumbprint of another certificate', { 'x5t#S256': toBase64url(new Uint8Array(32)) }],
  ])('with %s is refused', async (_what, change) => {
    await expect(verifyJwt(backend, await withHeader(change), trust)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  test('by another key than the certificate’s, cut, padded or flipped it is refused', async () => {
    const jws = await withHeader({})
    await verifyJwt(backend, jws, trust)
    const [header, payload, signature] = jws.split('.') as [string, string, string]
    const other = toBase64url(fromBase64url(signature).map((byte, at) => (at === 100 ? byte ^ 4 : byte)))
    for (const changed of [
      await withHeader({}, stranger),
      `${header}.${payload}.${other}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}.`,
      `${header}.${toBase64url(utf8('{"made":"down"}'))}.${signature}`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}`,
      `${jws}.`,
      '',
    ]) {
      await expect(verifyJwt(backend, changed, trust)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    }
  })

  test('without a certificate anywhere it is refused', async () => {
    const jws = await signJwt(holder.signer, PAYLOAD, bare)
    await expect(verifyJwt(backend, jws, trust)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    await verifyJwt(backend, jws, { ...trust, certificate: holder.certificate })
  })
})

describe('base64 as MOSIP’s versions write it', () => {
  const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0x01)
  test.each(['-__-AQ', '-__-AQ==', '+//+AQ', '+//+AQ=='])('%s is read', (text) => {
    expect(fromAnyBase64(text)).toEqual(bytes)
  })
  test.each(['-//-AQ', '+__+AQ==', '-__-AQ=', '-__-AQ===', '-__-AR', '-__- AQ', '-__-A', '=', 'é'])(
    '%s is refused',
    (text) => {
      expect(() => fromAnyBase64(text)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
    },
  )
})

test('a digest in hexadecimal has 64 characters of either case', () => {
  expect(fromHexDigest('aB'.repeat(32))).toEqual(new Uint8Array(32).fill(0xab))
  for (const text of ['', 'aB'.repeat(31), 'zz'.repeat(32)]) {
    expect(() => fromHexDigest(text)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  }
})

test('a partner’s token is 36 digits, the same for the same person, another at another partner', async () => {
  const input = { uin: '3984105726', uinSalt: 's1', partnerCode: 'print', partnerCodeSalt: 's2' }
  const token = await tokenId(input)
  expect(token).toMatch(/^[1-9][0-9]{35}$/)
  expect(await tokenId({ ...input })).toBe(token)
  expect(await tokenId({ ...input, partnerCode: 'abis' })).not.toBe(token)
  expect(await tokenId({ ...input, uin: '3984105727' })).not.toBe(token)
})

test('envelopes repeat id and version and hold a response or errors', () => {
  const envelope = readEnvelope({ id: 'mosip.test', version: '1.0', request: { a: 1 } })
  expect(envelope).toEqual({ head: { id: 'mosip.test', version: '1.0' }, request: { a: 1 } })
  for (const body of [null, 7, [], {}, { request: null }, { request: [] }]) {
    expect(readEnvelope(body)).toBeUndefined()
  }
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 6)
  expect(mosipResponse({ b: 2 }, now, envelope!.head)).toEqual({
    ...{ id: 'mosip.test', version: '1.0', responsetime: '2026-01-02T03:04:05.006Z', metadata: null },
    ...{ response: { b: 2 }, errors: null },
  })
  const errors = [{ errorCode: 'KER-CRY-003', message: 'no' }]
  expect(mosipErrors(errors, now)).toMatchObject({ id: null, response: null, errors })
})
