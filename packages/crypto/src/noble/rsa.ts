import { KeyhavenError } from '../error.ts'
import type { Aes256Gcm, Rsa } from '../rsa.ts'

function unsupported(): never {
  throw new KeyhavenError('UNSUPPORTED', 'what the profile mosip needs of RSA needs native cryptography')
}

/** Not made without native cryptography: a private key's arithmetic on BigInt shows in its time. */
export const nobleRsa: Rsa = {
  generateKeyPair: unsupported,
  importPublicKey: unsupported,
  importPrivateKey: unsupported,
  exportPrivateKey: unsupported,
  encryptOaep: unsupported,
  decryptOaep: unsupported,
  signPkcs1: unsupported,
  verifyPkcs1: unsupported,
}

/** Only formats that go with {@link nobleRsa} have IVs of other lengths. */
export const nobleAes256Gcm: (key: Uint8Array) => Aes256Gcm = unsupported
