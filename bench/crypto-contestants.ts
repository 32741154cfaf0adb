import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import * as HpkeCore from '@hpke/core'
import { nodeBackend, utf8 } from '@keyhaven/crypto/node'
import * as Hpke from 'hpke'
import { CompactEncrypt, compactDecrypt, exportJWK, importJWK } from 'jose'
import sodium from 'libsodium-wrappers'
import * as openpgp from 'openpgp'
import { bareOpenX25519, bareOpenXWing, bareSealX25519, bareSealXWing } from './crypto-bare.ts'

export type BenchKem = 'x25519' | 'x-wing'

/**
 * Seals one payload to a key known beforehand, or opens what it sealed: all that a message needs, nothing
 * kept between two.
 */
export interface SealAndOpen {
  readonly name: string
  seal(): unknown
  open(): unknown
}

export const KEYHAVEN = 'keyhaven'
export const BARE = 'bare node:crypto'
export const HPKE = 'hpke'
export const HPKE_CORE = '@hpke/core'

const INFO = utf8('message/bhttp request\0keyhaven benchmark')
const NO_AAD = new Uint8Array(0)

/**
 * Everybody who can do this KEM, ready to work on a payload. Keys are imported and kept, as each library
 * allows.
 */
export async function contestantsFor(kem: BenchKem, payload: Uint8Array): Promise<SealAndOpen[]> {
  if (kem === 'x-wing') return [await keyhaven(kem, payload), bareXWing(payload), await hpke(kem, payload)]
  return Promise.all([
    keyhaven(kem, payload),
    bareX25519(payload),
    hpke(kem, payload),
    hpkeCore(payload),
    jose(payload),
    libsodium(payload),
    openPgp(payload),
  ])
}

async function keyhaven(kem: BenchKem, payload: Uint8Array): Promise<SealAndOpen> {
  const suite = { kem, aead: 'aes-256-gcm' } as const
  const { publicKey, privateKey } = await nodeBackend.kem.generateKeyPair(kem)
  const seal = async () => {
    const sender = await nodeBackend.hpke.setupSender(suite, publicKey, INFO)
    return { enc: sender.enc, ciphertext: await sender.seal(payload, NO_AAD) }
  }
  const sealed = await seal()
  return {
    name: KEYHAVEN,
    seal,
    async open() {
      const recipient = await nodeBackend.hpke.setupRecipient(suite, privateKey, sealed.enc, INFO)
      return recipient.open(sealed.ciphertext, NO_AAD)
    },
  }
}

function bareX25519(payload: Uint8Array): SealAndOpen {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const sealed = bareSealX25519(publicKey, payload)
  return {
    name: BARE,
    seal: () => bareSealX25519(publicKey, payload),
    open: () => bareOpenX25519(privateKey, sealed),
  }
}

function bareXWing(payload: Uint8Array): SealAndOpen {
  const mlKem = generateKeyPairSync('ml-kem-768')
  const x25519 = generateKeyPairSync('x25519')
  const publicKey = { mlKem: mlKem.publicKey, x25519: x25519.publicKey }
  const privateKey = { mlKem: mlKem.privateKey, x25519: x25519.privateKey }
  const sealed = bareSealXWing(publicKey, payload)
  return {
    name: BARE,
    seal: () => bareSealXWing(publicKey, payload),
    open: () => bareOpenXWing(privateKey, sealed),
  }
}

async function hpke(kem: BenchKem, payload: Uint8Array): Promise<SealAndOpen> {
  const suite = new Hpke.CipherSuite<Hpke.Key>(
    kem === 'x25519' ? Hpke.KEM_DHKEM_X25519_HKDF_SHA256 : Hpke.KEM_MLKEM768_X25519,
    Hpke.KDF_HKDF_SHA256,
    Hpke.AEAD_AES_256_GCM,
  )
  const pair = await suite.GenerateKeyPair()
  const sealed = await suite.Seal(pair.publicKey, payload, { info: INFO })
  return {
    name: HPKE,
    seal: () => suite.Seal(pair.publicKey, payload, { info: INFO }),
    open: () => suite.Open(pair, sealed.encapsulatedSecret, sealed.ciphertext, { info: INFO }),
  }
}

async function hpkeCore(payload: Uint8Array): Promise<SealAndOpen> {
  const suite = new HpkeCore.CipherSuite({
    kem: new HpkeCore.DhkemX25519HkdfSha256(),
    kdf: new HpkeCore.HkdfSha256(),
    aead: new HpkeCore.Aes256Gcm(),
  })
  const pair = await suite.kem.generateKeyPair()
  const bytes = payload.slice().buffer
  const info = INFO.slice().buffer
  const sealed = await suite.seal({ recipientPublicKey: pair.publicKey, info }, bytes)
  return {
    name: HPKE_CORE,
    seal: () => suite.seal({ recipientPublicKey: pair.publicKey, info }, bytes),
    open: () => suite.open({ recipientKey: pair, enc: sealed.enc, info }, sealed.ct),
  }
}

async function jose(payload: Uint8Array): Promise<SealAndOpen> {
  const pair = generateKeyPairSync('x25519')
  const publicKey = await importJWK(await exportJWK(createPublicKey(pair.privateKey)), 'ECDH-ES')
  const privateKey = await importJWK(
    await exportJWK(createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))),
    'ECDH-ES',
  )
  const header = { alg: 'ECDH-ES', enc: 'A256GCM' } as const
  const seal = () => new CompactEncrypt(payload).setProtectedHeader(header).encrypt(publicKey)
  const sealed = await seal()
  return { name: 'jose ECDH-ES', seal, open: () => compactDecrypt(sealed, privateKey) }
}

async function libsodium(payload: Uint8Array): Promise<SealAndOpen> {
  await sodium.ready
  const pair = sodium.crypto_box_keypair()
  const seal = () => sodium.crypto_box_seal(payload, pair.publicKey)
  const sealed = seal()
  return {
    name: 'libsodium-wrappers',
    seal,
    open: () => sodium.crypto_box_seal_open(sealed, pair.publicKey, pair.privateKey),
  }
}

async function openPgp(payload: Uint8Array): Promise<SealAndOpen> {
  const { privateKey, publicKey } = await openpgp.generateKey({
    type: 'curve25519',
    userIDs: [{ name: 'bench' }],
    format: 'object',
  })
  const seal = async () =>
    openpgp.encrypt({
      message: await openpgp.createMessage({ binary: payload }),
      encryptionKeys: publicKey,
      format: 'binary',
    })
  const sealed = await seal()
  return {
    name: 'openpgp',
    seal,
    async open() {
      const message = await openpgp.readMessage({ binaryMessage: sealed })
      return openpgp.decrypt({ message, decryptionKeys: privateKey, format: 'binary' })
    },
  }
}
