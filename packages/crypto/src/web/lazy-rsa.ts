import type { LegacyRsa, RsaOaep } from '../backend.ts'
import type { Rsa } from '../rsa.ts'

const oaep = async (): Promise<RsaOaep> => (await import('./rsa-oaep.ts')).webRsaOaep
const legacy = async (): Promise<LegacyRsa> => (await import('./legacy-rsa.ts')).webLegacyRsa
const rsa = async (): Promise<Rsa> => (await import('./rsa.ts')).webRsa

/** Few apps have a profile with RSA: its code is loaded when first used. */
export const lazyRsaOaep: RsaOaep = {
  generateKeyPair: async (...given) => (await oaep()).generateKeyPair(...given),
  encrypt: async (...given) => (await oaep()).encrypt(...given),
  decrypt: async (...given) => (await oaep()).decrypt(...given),
}

export const lazyLegacyRsa: LegacyRsa = {
  generateKeyPair: async () => (await legacy()).generateKeyPair(),
  signSha256: async (...given) => (await legacy()).signSha256(...given),
  verifySha256: async (...given) => (await legacy()).verifySha256(...given),
  signSha1: async (...given) => (await legacy()).signSha1(...given),
  verifySha1: async (...given) => (await legacy()).verifySha1(...given),
  encrypt: async (...given) => (await legacy()).encrypt(...given),
  decrypt: async (...given) => (await legacy()).decrypt(...given),
}

export const lazyRsa: Rsa = {
  generateKeyPair: async (...given) => (await rsa()).generateKeyPair(...given),
  importPublicKey: async (...given) => (await rsa()).importPublicKey(...given),
  importPrivateKey: async (...given) => (await rsa()).importPrivateKey(...given),
  exportPrivateKey: async (...given) => (await rsa()).exportPrivateKey(...given),
  encryptOaep: async (...given) => (await rsa()).encryptOaep(...given),
  decryptOaep: async (...given) => (await rsa()).decryptOaep(...given),
  signPkcs1: async (...given) => (await rsa()).signPkcs1(...given),
  verifyPkcs1: async (...given) => (await rsa()).verifyPkcs1(...given),
}
