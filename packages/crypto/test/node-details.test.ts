import { createDecipheriv, createHmac, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { nobleBackend } from '../src/noble/index.ts'
import { fromHex, type KemName, nodeBackend, toHex, utf8 } from '../src/node/index.ts'
import { keyScheduleOf } from '../src/node/key-schedule.ts'
import { webBackend } from '../src/web/index.ts'
import { loadVectors } from './vector-suite/load-vectors.ts'

const KEMS: readonly KemName[] = ['x25519', 'p-256', 'x-wing']
const EMPTY = new Uint8Array(0)
const SUITE = { kem: 'x25519', aead: 'aes-256-gcm' } as const

describe('random bytes', () => {
  test('are never given out twice, whatever the lengths', () => {
    const seen = new Set<string>()
    for (let round = 0; round < 3_000; round++) {
      const bytes = nodeBackend.randomBytes(16 + (round % 50))
      expect(bytes.buffer.byteLength).toBe(bytes.length)
      seen.add(toHex(bytes.subarray(0, 16)))
    }
    expect(seen.size).toBe(3_000)
  })

  test('have the length asked for', () => {
    for (const backend of [nodeBackend, webBackend, nobleBackend]) {
      for (const length of [0, 1, 512, 513, 8_192, 200_000]) {
        const bytes = backend.randomBytes(length)
        expect(bytes.length).toBe(length)
        if (length > 32) expect(toHex(bytes.subarray(-32))).not.toBe('00'.repeat(32))
      }
    }
  })
})

test('HMAC-SHA-256 is OpenSSL’s for keys and data of every length, and keeps what it gave', () => {
  const given: { value: Uint8Array; expected: string }[] = []
  for (const keyBytes of [...Array(130).keys(), 1_000]) {
    const key = nodeBackend.randomBytes(keyBytes)
    for (const dataBytes of [0, 1, 32, 63, 64, 255, 256, 257, 1_000]) {
      const data = nodeBackend.randomBytes(dataBytes)
      const expected = createHmac('sha256', key).update(data).digest('hex')
      given.push({ value: nodeBackend.hmacSha256(key, data) as Uint8Array, expected })
    }
  }
  for (const { value, expected } of given) expect(toHex(value)).toBe(expected)
})

/** No Buffer, and memory of its own: whoever transfers it takes nothing else along. */
function expectPlain(value: unknown): void {
  expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
  const bytes = value as Uint8Array
  expect(bytes.buffer.byteLength).toBe(bytes.length)
}

describe('results', () => {
  test('are plain Uint8Arrays, not Buffers', () => {
    const { publicKey, privateKey } = nodeBackend.kem.generateKeyPair('x-wing') as never as {
      publicKey: { bytes: Uint8Array }
      privateKey: never
    }
    const values = [
      publicKey.bytes,
      nodeBackend.kem.exportPrivateKey(privateKey),
      nodeBackend.randomBytes(4),
      nodeBackend.sha256(EMPTY),
      nodeBackend.hkdfExtract(EMPTY, EMPTY),
      nodeBackend.hmacSha256(nodeBackend.randomBytes(65), EMPTY),
      nodeBackend.x25519(nodeBackend.randomBytes(32), nodeBackend.randomBytes(32)),
    ]
    for (const value of values) expectPlain(value)
  })

  test('of an exchange neither', async () => {
    for (const kem of KEMS) {
      const keys = await nodeBackend.kem.generateKeyPair(kem)
      const sender = await nodeBackend.hpke.setupSender({ ...SUITE, kem }, keys.publicKey, EMPTY)
      const recipient = await nodeBackend.hpke.setupRecipient(
        { ...SUITE, kem },
        keys.privateKey,
        sender.enc,
        EMPTY,
      )
      const sealed = await sender.seal(utf8('x'), EMPTY)
      const values = [sender.enc, sealed, await recipient.open(sealed, EMPTY), await sender.export(EMPTY, 8)]
      for (const value of values) expectPlain(value)
    }
  })
})

describe('a long exchange', () => {
  test('counts its nonces in all their bytes', async () => {
    const vector = loadVectors()['hpke/rfc9180.json'].find((one) => one.mode === 0 && one.aead_id === 2)!
    const key = await nodeBackend.kem.importPublicKey('x25519', fromHex(vector.pkRm))
    const sender = await nodeBackend.hpke.setupSender(SUITE, key, fromHex(vector.info), fromHex(vector.skEm!))
    const baseNonce = BigInt(`0x${vector.base_nonce}`)
    const looked = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537]
    for (let sequence = 0; sequence <= looked.at(-1)!; sequence++) {
      const sealed = await sender.seal(utf8('x'), EMPTY)
      if (!looked.includes(sequence)) continue
      const nonce = (baseNonce ^ BigInt(sequence)).toString(16).padStart(24, '0')
      const decipher = createDecipheriv('aes-256-gcm', fromHex(vector.key), fromHex(nonce))
      decipher.setAuthTag(sealed.subarray(-16))
      expect(decipher.update(sealed.subarray(0, -16)).toString()).toBe('x')
      decipher.final()
    }
  })
})

describe('the cache of key schedules', () => {
  test('keeps a constant info, tells suites and infos apart, and stays bounded', () => {
    const first = keyScheduleOf(SUITE, utf8('a'))
    expect(keyScheduleOf(SUITE, utf8('a'))).toBe(first)
    expect(keyScheduleOf(SUITE, utf8('b'))).not.toBe(first)
    expect(keyScheduleOf({ ...SUITE, aead: 'aes-128-gcm' }, utf8('a'))).not.toBe(first)
    expect(keyScheduleOf({ ...SUITE, kem: 'p-256' }, utf8('a'))).not.toBe(first)
    for (let index = 0; index < 1_000; index++) {
      keyScheduleOf(SUITE, utf8(`other ${index}`))
      if (index % 100 === 0) keyScheduleOf(SUITE, utf8('b'))
    }
    expect(keyScheduleOf(SUITE, utf8('a'))).not.toBe(first)
    const long = new Uint8Array(10_000)
    expect(keyScheduleOf(SUITE, long)).not.toBe(keyScheduleOf(SUITE, long))
  })
})

describe('private keys', () => {
  for (const backend of [nodeBackend, webBackend, nobleBackend]) {
    test(`of ${backend.name} do not show in logs or JSON`, async () => {
      const texts: string[] = []
      const secrets: string[] = []
      for (const kem of KEMS) {
        const { privateKey } = await backend.kem.generateKeyPair(kem)
        const bytes = await backend.kem.exportPrivateKey(privateKey)
        secrets.push(toHex(bytes), Buffer.from(bytes).toString('base64url'))
        texts.push(inspect(privateKey, { depth: 9, showHidden: true }), JSON.stringify(privateKey))
      }
      for (const algorithm of ['EdDSA', 'ES256'] as const) {
        const key = await backend.signatures.generateKeyPair(algorithm)
        secrets.push((await backend.signatures.exportSigningKey(key)).d as string)
        texts.push(inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key))
      }
      for (const text of texts) for (const secret of secrets) expect(text).not.toContain(secret)
    })

    test(`of another backend are refused by ${backend.name}`, async () => {
      const other = backend === nodeBackend ? webBackend : nodeBackend
      const { publicKey, privateKey } = await other.kem.generateKeyPair('x25519')
      const enc = new Uint8Array(32).fill(9)
      await expect(async () => backend.hpke.setupSender(SUITE, publicKey, EMPTY)).rejects.toThrow(TypeError)
      await expect(async () => backend.hpke.setupRecipient(SUITE, privateKey, enc, EMPTY)).rejects.toThrow(
        TypeError,
      )
      const signing = await other.signatures.generateKeyPair('EdDSA')
      await expect(async () => backend.signatures.sign(signing, EMPTY)).rejects.toThrow(TypeError)
      await expect(async () => backend.signatures.verify(signing.publicKey, enc, EMPTY)).rejects.toThrow(
        TypeError,
      )
    })
  }
})

describe('RSA', () => {
  test('keys of 1024 and 8192 bits and of a wrong type are refused', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    const large = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1024, 0xff).toString('base64url') }
    for (const backend of [nodeBackend, webBackend, nobleBackend]) {
      for (const jwk of [small as { kty: string }, large, { kty: 'EC' }, { kty: 'RSA' }]) {
        await expect(async () => backend.signatures.importVerifyKey('PS256', jwk)).rejects.toMatchObject({
          code: 'WIRE_MALFORMED',
        })
        await expect(async () => backend.rsaOaep.encrypt(jwk, EMPTY)).rejects.toMatchObject({
          code: 'WIRE_MALFORMED',
        })
      }
    }
  })

  test('keys are not made by noble', () => {
    expect(() => nobleBackend.rsaOaep.generateKeyPair(2048)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    )
    expect(() => nobleBackend.signatures.generateKeyPair('PS256')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    )
  })

  test('keys made by WebCrypto work in node:crypto', async () => {
    const pair = await webBackend.rsaOaep.generateKeyPair(2048)
    const sealed = await nodeBackend.rsaOaep.encrypt(pair.publicKey, utf8('x'))
    expect(await nodeBackend.rsaOaep.decrypt(pair.privateKey, sealed)).toEqual(utf8('x'))
  })
})
