import {
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  openFailed,
  overwrite,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { deflateSync, Inflate } from 'fflate'
import { type Recipient, SESSION_KEY_BYTES, type SessionKeyOpener, unwrapOrRandom } from './session-key.ts'

const JWE_PARTS = 5
const IV_BYTES = 12
const TAG_BYTES = 16
const MAX_HEADER_CHARACTERS = 8_192
/** What a compressed payload may grow to. */
export const MAX_INFLATED_BYTES = 16 * 1_024 * 1_024
const INFLATE_PIECE_BYTES = 16_384

/**
 * `jwtEncrypt`: a compact JWE (RFC 7516) with RSA-OAEP-256 and A256GCM, its content a JWT.
 *
 * @param options.deflate - compress first, MOSIP's default; leave it out where an attacker can choose part of
 * the content and see the length.
 * @throws KeyhavenError `INPUT_INVALID` on an empty content.
 */
export async function encryptJwe(
  backend: CryptoBackend,
  to: Recipient,
  content: Uint8Array,
  options: { readonly deflate?: boolean } = {},
): Promise<string> {
  if (content.length === 0) throw new KeyhavenError('INPUT_INVALID', 'there is nothing to encrypt')
  const deflate = options.deflate !== false
  const header = toBase64url(
    utf8(
      JSON.stringify({
        alg: 'RSA-OAEP-256',
        enc: 'A256GCM',
        ...(deflate && { zip: 'DEF' }),
        typ: 'JWT',
        cty: 'JWT',
        kid: toBase64url(to.thumbprint),
      }),
    ),
  )
  const key = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const iv = backend.randomBytes(IV_BYTES)
    const wrapped = await backend.rsa.encryptOaep(to.publicKey, key)
    const plaintext = deflate ? deflateSync(content) : content
    const sealed = await backend.aes256Gcm(key).seal(iv, plaintext, utf8(header))
    const tagAt = sealed.length - TAG_BYTES
    const rest = [wrapped, iv, sealed.subarray(0, tagAt), sealed.subarray(tagAt)]
    return [header, ...rest.map(toBase64url)].join('.')
  } finally {
    overwrite(key)
  }
}

/**
 * @throws KeyhavenError `OPEN_FAILED` whatever is wrong with the bytes or the key, also for other algorithms;
 * `WIRE_TOO_LARGE` if the authenticated content inflates to over {@link MAX_INFLATED_BYTES}.
 */
export async function openJwe(
  backend: CryptoBackend,
  keys: SessionKeyOpener,
  jwe: string,
): Promise<Uint8Array> {
  const { header, deflated, thumbprint, rest } = splitJwe(jwe)
  const [wrapped, iv, ciphertext, tag] = rest
  const key = await unwrapOrRandom(backend, keys, thumbprint, wrapped)
  try {
    const sealed = new Writer(ciphertext.length + tag.length).bytes(ciphertext).bytes(tag).done()
    const plaintext = await backend.aes256Gcm(key).open(iv, sealed, utf8(header))
    return deflated ? inflate(plaintext) : plaintext
  } finally {
    overwrite(key)
  }
}

interface SplitJwe {
  readonly header: string
  readonly deflated: boolean
  readonly thumbprint: Uint8Array | undefined
  readonly rest: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
}

function splitJwe(jwe: string): SplitJwe {
  const parts = jwe.split('.', JWE_PARTS + 1)
  if (parts.length !== JWE_PARTS || parts[0]!.length > MAX_HEADER_CHARACTERS) throw openFailed()
  try {
    const header = JSON.parse(fromUtf8(fromBase64url(parts[0]!))) as Record<string, unknown>
    const rest = parts.slice(1).map(fromBase64url)
    const known =
      header.alg === 'RSA-OAEP-256' &&
      header.enc === 'A256GCM' &&
      !('crit' in header) &&
      (header.zip === undefined || header.zip === 'DEF')
    if (!known || rest[1]!.length !== IV_BYTES || rest[3]!.length !== TAG_BYTES) throw openFailed()
    return {
      header: parts[0]!,
      deflated: header.zip === 'DEF',
      thumbprint: typeof header.kid === 'string' ? fromBase64url(header.kid) : undefined,
      rest: rest as unknown as SplitJwe['rest'],
    }
  } catch {
    throw openFailed()
  }
}

/** Piece by piece, so that a small input cannot take all memory. */
function inflate(bytes: Uint8Array): Uint8Array {
  const writer = new Writer(bytes.length * 4)
  let size = 0
  let ended = false
  const stream = new Inflate((piece, final) => {
    size += piece.length
    if (size > MAX_INFLATED_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'the content inflates too far')
    writer.bytes(piece)
    ended = final
  })
  try {
    for (let at = 0; at < bytes.length; at += INFLATE_PIECE_BYTES) {
      const end = at + INFLATE_PIECE_BYTES
      stream.push(bytes.subarray(at, end), end >= bytes.length)
    }
  } catch (error) {
    throw error instanceof KeyhavenError ? error : openFailed()
  }
  if (!ended) throw openFailed()
  return writer.done()
}
