import { type CryptoBackend, KeyhavenError, openFailed, overwrite, utf8, Writer } from '@keyhaven/crypto'
import { type Recipient, SESSION_KEY_BYTES, type SessionKeyOpener, unwrapOrRandom } from './session-key.ts'

/** Between the wrapped key and the data; the value MOSIP is delivered with. */
export const KEY_SPLITTER = utf8('#KEY_SPLITTER#')
/** Begins layout C. */
export const LAYOUT_C_HEADER = utf8('VER_R2')
export const THUMBPRINT_BYTES = 32
/** Of the IV that layout B and the keys at rest carry at their end. */
export const TRAILING_IV_BYTES = 16
/** Of layout C, whose first bytes are also the nonce. */
export const LAYOUT_C_AAD_BYTES = 32
export const LAYOUT_C_NONCE_BYTES = 12
const TAG_BYTES = 16
/** RSA-OAEP ciphertexts by modulus; MOSIP's own keys have 2048 bits, a partner's may have more. */
const WRAPPED_KEY_BYTES = [256, 384, 512] as const
const EMPTY = new Uint8Array(0)

/** What travels beside layouts A (IV, perhaps associated data) and B (associated data). */
export interface BesideHybrid {
  readonly iv?: Uint8Array | undefined
  readonly aad?: Uint8Array | undefined
}

/**
 * Layout A: thumbprint 32 | wrapped session key | splitter | ciphertext ‖ tag. IV and associated data travel
 * separately.
 *
 * @param iv - 12 to 64 bytes.
 * @throws KeyhavenError `INPUT_INVALID` on an empty plaintext, as MOSIP.
 */
export async function sealLayoutA(
  backend: CryptoBackend,
  to: Recipient,
  plaintext: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array = EMPTY,
): Promise<Uint8Array<ArrayBuffer>> {
  return seal(backend, to, plaintext, iv, aad, { before: EMPTY, between: EMPTY, after: EMPTY })
}

/** Layout B: as A, and the random 16-byte IV at the end. */
export async function sealLayoutB(
  backend: CryptoBackend,
  to: Recipient,
  plaintext: Uint8Array,
  aad: Uint8Array = EMPTY,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = backend.randomBytes(TRAILING_IV_BYTES)
  return seal(backend, to, plaintext, iv, aad, { before: EMPTY, between: EMPTY, after: iv })
}

/**
 * Layout C: `VER_R2` | thumbprint 32 | wrapped session key | splitter | associated data 32 | ciphertext ‖ tag;
 * the nonce is the first 12 bytes of the random associated data.
 */
export async function sealLayoutC(
  backend: CryptoBackend,
  to: Recipient,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const aad = backend.randomBytes(LAYOUT_C_AAD_BYTES)
  const nonce = aad.subarray(0, LAYOUT_C_NONCE_BYTES)
  return seal(backend, to, plaintext, nonce, aad, { before: LAYOUT_C_HEADER, between: aad, after: EMPTY })
}

interface Frame {
  readonly before: Uint8Array
  readonly between: Uint8Array
  readonly after: Uint8Array
}

async function seal(
  backend: CryptoBackend,
  to: Recipient,
  plaintext: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  { before, between, after }: Frame,
): Promise<Uint8Array<ArrayBuffer>> {
  if (plaintext.length === 0) throw new KeyhavenError('INPUT_INVALID', 'there is nothing to encrypt')
  const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const wrapped = await backend.rsa.encryptOaep(to.publicKey, sessionKey)
    const sealed = await backend.aes256Gcm(sessionKey).seal(iv, plaintext, aad)
    return new Writer(
      before.length +
        THUMBPRINT_BYTES +
        wrapped.length +
        KEY_SPLITTER.length +
        between.length +
        sealed.length +
        after.length,
    )
      .bytes(before)
      .bytes(to.thumbprint)
      .bytes(wrapped)
      .bytes(KEY_SPLITTER)
      .bytes(between)
      .bytes(sealed)
      .bytes(after)
      .done()
  } finally {
    overwrite(sessionKey)
  }
}

/**
 * Opens layout A if an IV is given, else B if associated data is given, else C or B by the header; each also
 * without the thumbprint, as MOSIP before 1.2 wrote it. What was sealed to a key of another size, or with
 * another splitter, does not open.
 *
 * @throws KeyhavenError `OPEN_FAILED` whatever is wrong with the bytes or the key; `STORE_UNAVAILABLE`.
 */
export async function openHybrid(
  backend: CryptoBackend,
  keys: SessionKeyOpener,
  bytes: Uint8Array,
  beside: BesideHybrid = {},
): Promise<Uint8Array> {
  const { thumbprint, wrapped, iv, aad, sealed } = splitHybrid(bytes, beside)
  const sessionKey = await unwrapOrRandom(backend, keys, thumbprint, wrapped)
  try {
    return await backend.aes256Gcm(sessionKey).open(iv, sealed, aad)
  } finally {
    overwrite(sessionKey)
  }
}

/** The parts of a hybrid ciphertext: views, nothing is verified yet. */
interface HybridParts {
  readonly thumbprint: Uint8Array | undefined
  readonly wrapped: Uint8Array
  readonly iv: Uint8Array
  readonly aad: Uint8Array
  /** Ciphertext ‖ tag, at least one byte of ciphertext. */
  readonly sealed: Uint8Array
}

function splitHybrid(bytes: Uint8Array, { iv, aad }: BesideHybrid): HybridParts {
  if (iv !== undefined) {
    const { head, data } = splitAtKey(bytes, 0)
    return parts(head, iv, aad ?? EMPTY, data)
  }
  const headed = aad === undefined && startsWith(bytes, LAYOUT_C_HEADER, 0)
  if (headed && findSplitter(bytes, LAYOUT_C_HEADER.length) !== undefined) {
    const { head, data } = splitAtKey(bytes, LAYOUT_C_HEADER.length)
    const own = data.subarray(0, LAYOUT_C_AAD_BYTES)
    if (own.length < LAYOUT_C_AAD_BYTES) throw openFailed()
    return parts(head, own.subarray(0, LAYOUT_C_NONCE_BYTES), own, data.subarray(LAYOUT_C_AAD_BYTES))
  }
  const { head, data } = splitAtKey(bytes, 0)
  const ivAt = data.length - TRAILING_IV_BYTES
  if (ivAt < 0) throw openFailed()
  return parts(head, data.subarray(ivAt), aad ?? EMPTY, data.subarray(0, ivAt))
}

function parts(head: Uint8Array, iv: Uint8Array, aad: Uint8Array, sealed: Uint8Array): HybridParts {
  if (sealed.length <= TAG_BYTES) throw openFailed()
  const legacy = head.length === WRAPPED_KEY_BYTES[0]
  return {
    thumbprint: legacy ? undefined : head.subarray(0, THUMBPRINT_BYTES),
    wrapped: legacy ? head : head.subarray(THUMBPRINT_BYTES),
    iv,
    aad,
    sealed,
  }
}

/** @param headerBytes - length of what stands before thumbprint or key. */
function splitAtKey(bytes: Uint8Array, headerBytes: number): { head: Uint8Array; data: Uint8Array } {
  const at = findSplitter(bytes, headerBytes)
  if (at === undefined) throw openFailed()
  return { head: bytes.subarray(headerBytes, at), data: bytes.subarray(at + KEY_SPLITTER.length) }
}

/**
 * Looks only where a splitter can stand, so that one that occurs by chance within a wrapped key, or that
 * somebody put into the data, splits nothing.
 */
function findSplitter(bytes: Uint8Array, headerBytes: number): number | undefined {
  for (const wrapped of WRAPPED_KEY_BYTES) {
    const at = headerBytes + THUMBPRINT_BYTES + wrapped
    if (startsWith(bytes, KEY_SPLITTER, at)) return at
  }
  const legacy = headerBytes + WRAPPED_KEY_BYTES[0]
  return startsWith(bytes, KEY_SPLITTER, legacy) ? legacy : undefined
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, at: number): boolean {
  if (bytes.length < at + prefix.length) return false
  for (let index = 0; index < prefix.length; index++) if (bytes[at + index] !== prefix[index]) return false
  return true
}
