import {
  type CryptoBackend,
  KeyhavenError,
  overwrite,
  backend as runtimeBackend,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import { vrfKeyPair } from '@keyhaven/crypto/vrf'
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import type { RecoveryKey } from './recovery-key.ts'

/** 24 words of BIP-39. */
export const RECOVERY_ENTROPY_BYTES = 32
const SALT = utf8('keyhaven recovery v1')
const SIGNING_INFO = utf8('ed25519 recovery key')
const BACKUP_INFO = utf8('x-wing backup key')
const SEED_BYTES = 32

/** A new recovery key. Show its words once; keep nothing of it. */
export function generateRecoveryKey(backend: CryptoBackend = runtimeBackend): Promise<RecoveryKey> {
  return recoveryKeyFromEntropy(backend.randomBytes(RECOVERY_ENTROPY_BYTES), backend)
}

/** @throws KeyhavenError `INPUT_INVALID` on a word that is none, another number of words or a wrong checksum. */
export function recoveryKeyFromWords(
  words: string,
  backend: CryptoBackend = runtimeBackend,
): Promise<RecoveryKey> {
  let entropy: Uint8Array
  try {
    entropy = mnemonicToEntropy(words.normalize('NFKD').trim().toLowerCase().split(/\s+/).join(' '), wordlist)
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'these are not the words of a recovery key: check each of them')
  }
  if (entropy.length !== RECOVERY_ENTROPY_BYTES) {
    throw new KeyhavenError('INPUT_INVALID', 'a recovery key has 24 words')
  }
  return recoveryKeyFromEntropy(entropy, backend)
}

/**
 * HKDF-SHA-256, salt "keyhaven recovery v1": info "ed25519 recovery key" gives the Ed25519 secret key, info "x-wing backup
 * key" the X-Wing seed, 32 bytes each.
 *
 * @param entropy - 32 bytes; overwritten.
 */
export async function recoveryKeyFromEntropy(
  entropy: Uint8Array,
  backend: CryptoBackend = runtimeBackend,
): Promise<RecoveryKey> {
  if (entropy.length !== RECOVERY_ENTROPY_BYTES) throw new TypeError('entropy must be 32 bytes')
  const words = entropyToMnemonic(entropy, wordlist)
  const secret = await backend.hkdfExtract(SALT, entropy)
  const signingSeed = await backend.hkdfExpand(secret, SIGNING_INFO, SEED_BYTES)
  const backupSeed = await backend.hkdfExpand(secret, BACKUP_INFO, SEED_BYTES)
  const signingKey = await backend.signatures.importSigningKey('EdDSA', {
    kty: 'OKP',
    crv: 'Ed25519',
    // Only for the public key: that of the VRF is the Ed25519 public key of the same secret (RFC 9381 §5.5).
    x: toBase64url(vrfKeyPair(signingSeed).publicKey),
    d: toBase64url(signingSeed),
  })
  const backupKey = await backend.kem.importPrivateKey('x-wing', backupSeed)
  overwrite(entropy, secret, signingSeed, backupSeed)
  return { words, signingKey, backupKey }
}

/** The 32 bytes behind the words, to be wrapped and overwritten. Throws as {@link recoveryKeyFromWords}. */
export function recoveryEntropy(words: string): Uint8Array {
  try {
    return mnemonicToEntropy(words, wordlist)
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'these are not the words of a recovery key')
  }
}
