import { type CryptoBackend, KeyhavenError, Reader } from '@keyhaven/crypto'
import { type Note, type NoteSignature, parseNote } from './note.ts'
import { signedMessage } from './sign-note.ts'
import type { VerifierKey } from './verifier-key.ts'

const ED25519_SIGNATURE_BYTES = 64

export interface VerifiedSignature {
  readonly key: VerifierKey
  /** Of a cosignature: seconds since the epoch. */
  readonly timestamp: number | undefined
  /** As it stands in the note. */
  readonly signature: NoteSignature
}

export interface VerifiedNote {
  readonly text: string
  /** At least one; at most one of each key, the newest. */
  readonly signatures: readonly VerifiedSignature[]
}

/**
 * Verifies a signed note (C2SP signed-note). Signatures of keys that are not given are ignored.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` if no given key signed it, or the signature of one of them is
 * wrong; `WIRE_MALFORMED`, `WIRE_TOO_LARGE` as {@link parseNote}.
 */
export async function verifyNote(
  backend: CryptoBackend,
  note: string,
  keys: readonly VerifierKey[],
): Promise<VerifiedNote> {
  const parsed = parseNote(note)
  const signatures = await verifySignatures(backend, parsed, keys)
  if (signatures.length === 0) throw invalid('no trusted key signed the note')
  return { text: parsed.text, signatures }
}

/** As {@link verifyNote}, but no signature at all is an answer too. */
export async function verifySignatures(
  backend: CryptoBackend,
  note: Note,
  keys: readonly VerifierKey[],
): Promise<VerifiedSignature[]> {
  const verified = new Map<VerifierKey, VerifiedSignature>()
  for (const signature of note.signatures) {
    const key = keys.find((known) => known.name === signature.name && known.keyId === signature.keyId)
    if (!key) continue
    const { timestamp, bytes } = splitSignature(key, signature.signature)
    if (!(await backend.signatures.verify(key.verifyKey, bytes, signedMessage(note.text, timestamp)))) {
      throw invalid('a signature of the note is wrong')
    }
    const known = verified.get(key)
    if (known && (known.timestamp ?? 0) >= (timestamp ?? 0)) continue
    verified.set(key, { key, timestamp, signature })
  }
  return [...verified.values()]
}

/** A cosignature is a u64 big-endian timestamp and the signature (C2SP tlog-cosignature, "Format"). */
function splitSignature(key: VerifierKey, signature: Uint8Array) {
  try {
    const reader = new Reader(signature)
    const timestamp = key.type === 'cosignature' ? reader.u64() : undefined
    const bytes = reader.bytes(ED25519_SIGNATURE_BYTES)
    reader.end()
    return { timestamp, bytes }
  } catch {
    throw invalid('a signature of the note has another length')
  }
}

function invalid(why: string): KeyhavenError {
  return new KeyhavenError('SIGNATURE_INVALID', why)
}
