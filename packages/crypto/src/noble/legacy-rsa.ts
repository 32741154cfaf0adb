import type { LegacyRsa } from '../backend.ts'
import { KeyhavenError } from '../error.ts'

function unsupported(): never {
  throw new KeyhavenError('UNSUPPORTED', 'the profile rsa1024-legacy needs native cryptography')
}

/** Not made for new runtimes: the profile exists for deployments that leave it. */
export const nobleLegacyRsa: LegacyRsa = {
  generateKeyPair: unsupported,
  signSha256: unsupported,
  verifySha256: unsupported,
  signSha1: unsupported,
  verifySha1: unsupported,
  encrypt: unsupported,
  decrypt: unsupported,
}
