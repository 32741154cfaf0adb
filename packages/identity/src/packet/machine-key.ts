import { type CryptoBackend, openFailed, overwrite, type RsaPrivateKey, Writer } from '@keyhaven/crypto'
import { SESSION_KEY_BYTES, type SessionKeyOpener, unwrapOrRandom } from '../mosip/session-key.ts'

/** The key K10 of a registration client: in a file, or in the machine's TPM, which no private part leaves. */
export interface MachineKey {
  /** SubjectPublicKeyInfo, DER; a TPM's key also travels as TPMT_PUBLIC, which is not this. */
  readonly publicKeySpki: Uint8Array
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** RSA-OAEP with SHA-256. @throws KeyhavenError `OPEN_FAILED`, whatever the reason. */
  decrypt(wrapped: Uint8Array): Promise<Uint8Array>
}

/** The machine key that MOSIP's registration client keeps in `.mosipkeys/reg.key` where there is no TPM. */
export function softwareMachineKey(backend: CryptoBackend, key: RsaPrivateKey): MachineKey {
  return {
    publicKeySpki: key.publicKey.spki,
    sign: async (data) => backend.rsa.signPkcs1(key, data),
    decrypt: async (wrapped) => backend.rsa.decryptOaep(key, wrapped),
  }
}

const WRAPPED_BYTES = 256
const IV_BYTES = 12
const AAD_BYTES = 32
/** MOSIP 1.1.4 had the two sizes the other way round. */
const OLD_IV_BYTES = 16
const OLD_AAD_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts for one machine, as MOSIP's server sends its settings and the keys of a centre:
 * wrapped key 256 | IV 12 | associated data 32 | ciphertext ‖ tag.
 */
export async function sealForMachine(
  backend: CryptoBackend,
  publicKeySpki: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const publicKey = await backend.rsa.importPublicKey(publicKeySpki)
    if (publicKey.modulusBits !== WRAPPED_BYTES * 8) throw new TypeError('a machine key has 2048 bits')
    const [iv, aad] = [backend.randomBytes(IV_BYTES), backend.randomBytes(AAD_BYTES)]
    const wrapped = await backend.rsa.encryptOaep(publicKey, sessionKey)
    const sealed = await backend.aes256Gcm(sessionKey).seal(iv, plaintext, aad)
    return new Writer().bytes(wrapped).bytes(iv).bytes(aad).bytes(sealed).done()
  } finally {
    overwrite(sessionKey)
  }
}

/** Opens what was sealed for this machine, by 1.1.4 too. @throws KeyhavenError `OPEN_FAILED` */
export async function openOnMachine(
  backend: CryptoBackend,
  machineKey: MachineKey,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  if (bytes.length < WRAPPED_BYTES + OLD_IV_BYTES + OLD_AAD_BYTES + TAG_BYTES) throw openFailed()
  const keys: SessionKeyOpener = { open: (_thumbprint, wrapped) => machineKey.decrypt(wrapped) }
  const sessionKey = await unwrapOrRandom(backend, keys, undefined, bytes.subarray(0, WRAPPED_BYTES))
  const rest = bytes.subarray(WRAPPED_BYTES)
  const openAs = async (ivBytes: number, aadBytes: number): Promise<Uint8Array> => {
    const start = ivBytes + aadBytes
    if (rest.length < start + TAG_BYTES) throw openFailed()
    return backend
      .aes256Gcm(sessionKey)
      .open(rest.subarray(0, ivBytes), rest.subarray(start), rest.subarray(ivBytes, start))
  }
  try {
    return await openAs(IV_BYTES, AAD_BYTES).catch(() => openAs(OLD_IV_BYTES, OLD_AAD_BYTES))
  } finally {
    overwrite(sessionKey)
  }
}
