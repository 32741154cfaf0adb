import { type CryptoBackend, KeyhavenError, randomId, toBase64url, utf8 } from '@keyhaven/crypto'
import { malformed } from '@keyhaven/messaging'
import { ID_BYTES } from './limits.ts'

/**
 * 16 bytes, base64url: the last character has no bits set behind the last byte, so one value has one text.
 */
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** Of a conversation, a key, a message or a file: 16 bytes, base64url, 22 characters. */
export function isConversationId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function requireId(value: unknown, what: string): string {
  if (!isConversationId(value)) throw malformed(what)
  return value
}

/** What an id follows from: nobody else can sign something that has the same one. */
export interface IdSource {
  /** Keeps one kind of id from being another. */
  readonly label: string
  /** What is signed but for the id; written as JSON, members in the order of the format. */
  content(nonce: string): object
}

export interface DerivedId {
  readonly id: string
  /** 16 random bytes, base64url: a member of the content. */
  readonly nonce: string
}

/** A new id, with the nonce that it follows from. None begins with a dash, as those of {@link randomId}. */
export async function newDerivedId(
  backend: Pick<CryptoBackend, 'randomBytes' | 'sha256'>,
  source: IdSource,
): Promise<DerivedId> {
  for (;;) {
    const nonce = randomId(backend, ID_BYTES)
    const id = await derivedId(backend, source, nonce)
    if (!id.startsWith('-')) return { id, nonce }
  }
}

/** @throws KeyhavenError `RECORD_INVALID` unless the id follows from the content, and may be one. */
export async function requireDerivedId(
  backend: Pick<CryptoBackend, 'sha256'>,
  source: IdSource,
  { id, nonce }: DerivedId,
): Promise<void> {
  if (!id.startsWith('-') && id === (await derivedId(backend, source, nonce))) return
  throw new KeyhavenError('RECORD_INVALID', 'the id does not follow from what is signed')
}

/** The first 16 bytes of SHA-256(label | line feed | JSON), base64url. */
async function derivedId(
  backend: Pick<CryptoBackend, 'sha256'>,
  { label, content }: IdSource,
  nonce: string,
): Promise<string> {
  const digest = await backend.sha256(utf8(`${label}\n${JSON.stringify(content(nonce))}`))
  return toBase64url(digest.subarray(0, ID_BYTES))
}
