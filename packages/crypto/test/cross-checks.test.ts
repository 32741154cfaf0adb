import * as HPKE from 'hpke'
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { nobleBackend } from '../src/noble/index.ts'
import {
  type AeadName,
  type CryptoBackend,
  jwkThumbprint,
  type KemName,
  kemPrivateKeyFromJwk,
  kemPrivateKeyToJwk,
  kemPublicKeyFromJwk,
  kemPublicKeyToJwk,
  nodeBackend,
  type SignatureAlgorithm,
  signCompactJws,
  toHex,
  utf8,
  verifyCompactJws,
} from '../src/node/index.ts'
import { webBackend } from '../src/web/index.ts'

const BACKENDS: readonly CryptoBackend[] = [nodeBackend, webBackend, nobleBackend]
const PAIRS = BACKENDS.flatMap((from) => BACKENDS.map((to) => [from, to] as const)).filter(
  ([a, b]) => a !== b,
)
const KEMS: readonly KemName[] = ['x25519', 'p-256', 'x-wing']
const AEADS: readonly AeadName[] = ['aes-256-gcm', 'aes-128-gcm', 'chacha20-poly1305']
const SUITES = KEMS.flatMap((kem) => AEADS.map((aead) => ({ kem, aead })))
const INFO = utf8('cross-check')
const AAD = utf8('associated')
const MESSAGES = [new Uint8Array(0), utf8('one'), nodeBackend.randomBytes(200_000)]

const PACKAGE_KEMS = {
  x25519: HPKE.KEM_DHKEM_X25519_HKDF_SHA256,
  'p-256': HPKE.KEM_DHKEM_P256_HKDF_SHA256,
  'x-wing': HPKE.KEM_MLKEM768_X25519,
} as const
const PACKAGE_AEADS = {
  'aes-256-gcm': HPKE.AEAD_AES_256_GCM,
  'aes-128-gcm': HPKE.AEAD_AES_128_GCM,
  'chacha20-poly1305': HPKE.AEAD_ChaCha20Poly1305,
} as const

describe('HPKE between backends', () => {
  for (const [from, to] of PAIRS) {
    for (const suite of SUITES) {
      test(`${from.name} seals, ${to.name} opens: ${suite.kem} ${suite.aead}`, async () => {
        const bytes = to.randomBytes(32)
        const privateKey = await to.kem.importPrivateKey(suite.kem, bytes)
        // As whoever reads a key from a store does: the backend has its own copy.
        bytes.fill(0)
        const publicKey = await from.kem.importPublicKey(suite.kem, privateKey.publicKey.bytes)
        const sender = await from.hpke.setupSender(suite, publicKey, INFO)
        const recipient = await to.hpke.setupRecipient(suite, privateKey, sender.enc, INFO)
        for (const message of MESSAGES) {
          expect(await recipient.open(await sender.seal(message, AAD), AAD)).toEqual(message)
        }
        expect(toHex(await recipient.export(AAD, 77))).toBe(toHex(await sender.export(AAD, 77)))
      })
    }
  }
})

describe('HPKE between node:crypto and the hpke package, used by itself', () => {
  for (const suite of SUITES) {
    const theirs = new HPKE.CipherSuite<HPKE.Key>(
      PACKAGE_KEMS[suite.kem],
      HPKE.KDF_HKDF_SHA256,
      PACKAGE_AEADS[suite.aead],
    )

    test(`${suite.kem} ${suite.aead}: it opens ours`, async () => {
      const pair = await theirs.GenerateKeyPair(true)
      const key = await nodeBackend.kem.importPublicKey(
        suite.kem,
        await theirs.SerializePublicKey(pair.publicKey),
      )
      const sender = await nodeBackend.hpke.setupSender(suite, key, INFO)
      const context = await theirs.SetupRecipient(pair, sender.enc, { info: INFO })
      for (const message of MESSAGES) {
        expect(await context.Open(await sender.seal(message, AAD), AAD)).toEqual(message)
      }
    })

    test(`${suite.kem} ${suite.aead}: we open its`, async () => {
      const { publicKey, privateKey } = await nodeBackend.kem.generateKeyPair(suite.kem)
      const their = await theirs.DeserializePublicKey(publicKey.bytes)
      const { encapsulatedSecret, ctx } = await theirs.SetupSender(their, { info: INFO })
      const recipient = await nodeBackend.hpke.setupRecipient(suite, privateKey, encapsulatedSecret, INFO)
      for (const message of MESSAGES) {
        expect(await recipient.open(await ctx.Seal(message, AAD), AAD)).toEqual(message)
      }
    })
  }
})

describe('signatures and RSA between backends', () => {
  for (const [from, to] of PAIRS) {
    for (const algorithm of ['EdDSA', 'ES256', 'PS256'] as const satisfies readonly SignatureAlgorithm[]) {
      test(`${from.name} signs, ${to.name} verifies: ${algorithm}`, async () => {
        const jwk = await nodeBackend.signatures.exportSigningKey(
          await nodeBackend.signatures.generateKeyPair(algorithm),
        )
        const key = await from.signatures.importSigningKey(algorithm, jwk)
        const verifyKey = await to.signatures.importVerifyKey(algorithm, key.publicKey.jwk)
        const signature = await from.signatures.sign(key, AAD)
        expect(await to.signatures.verify(verifyKey, signature, AAD)).toBe(true)
        expect(await to.signatures.verify(verifyKey, signature, INFO)).toBe(false)
      })
    }

    test(`${from.name} encrypts, ${to.name} decrypts: RSA-OAEP`, async () => {
      const { publicKey, privateKey } = await nodeBackend.rsaOaep.generateKeyPair(2048)
      const longest = 2048 / 8 - 66
      for (const message of [new Uint8Array(0), AAD, nodeBackend.randomBytes(longest)]) {
        const ciphertext = await from.rsaOaep.encrypt(publicKey, message)
        expect(await to.rsaOaep.decrypt(privateKey, ciphertext)).toEqual(message)
      }
      await expect(async () =>
        from.rsaOaep.encrypt(publicKey, new Uint8Array(longest + 1)),
      ).rejects.toMatchObject({
        code: 'INPUT_INVALID',
      })
    })
  }
})

describe('jose', () => {
  for (const backend of BACKENDS) {
    test(`verifies what ${backend.name} signs, and the reverse`, async () => {
      const key = await backend.signatures.generateKeyPair('EdDSA')
      const jws = await signCompactJws(backend, key, { typ: 'test+jws' }, { claim: 'ü' })
      const theirKey = await importJWK({ ...key.publicKey.jwk }, 'EdDSA')
      const theirs = await compactVerify(jws, theirKey)
      expect(JSON.parse(new TextDecoder().decode(theirs.payload))).toEqual({ claim: 'ü' })
      expect(theirs.protectedHeader).toEqual({ alg: 'EdDSA', typ: 'test+jws' })

      const secret = await importJWK({ ...(await backend.signatures.exportSigningKey(key)) }, 'EdDSA')
      const back = await new CompactSign(utf8('{"claim":2}'))
        .setProtectedHeader({ alg: 'EdDSA', typ: 'test+jws' })
        .sign(secret)
      expect(await verifyCompactJws(backend, key.publicKey, back, { typ: 'test+jws' })).toEqual({ claim: 2 })
    })
  }

  test('calculates the same thumbprints', async () => {
    for (const algorithm of ['EdDSA', 'ES256', 'PS256'] as const) {
      const { publicKey } = await nodeBackend.signatures.generateKeyPair(algorithm)
      const theirs = await calculateJwkThumbprint({ ...publicKey.jwk }, 'sha256')
      for (const backend of BACKENDS) expect(await jwkThumbprint(backend, publicKey.jwk)).toBe(theirs)
    }
  })
})

describe('JWK of KEM keys', () => {
  for (const [from, to] of PAIRS) {
    for (const kem of KEMS) {
      test(`${from.name} to ${to.name}: ${kem}`, async () => {
        const { publicKey, privateKey } = await from.kem.generateKeyPair(kem)
        const jwk = kemPublicKeyToJwk(publicKey)
        expect((await kemPublicKeyFromJwk(to, jwk)).bytes).toEqual(publicKey.bytes)
        const secret = await kemPrivateKeyToJwk(from, privateKey)
        const moved = await kemPrivateKeyFromJwk(to, secret)
        expect(await kemPrivateKeyToJwk(to, moved)).toEqual(secret)
        expect(await jwkThumbprint(to, jwk)).toBe(await jwkThumbprint(from, secret))
        const stranger = kemPublicKeyToJwk((await from.kem.generateKeyPair(kem)).publicKey)
        await expect(kemPrivateKeyFromJwk(to, { ...secret, ...stranger })).rejects.toMatchObject({
          code: 'WIRE_MALFORMED',
        })
      })
    }
  }
})
