import type { CryptoBackend } from '@keyhaven/crypto'
import { parseCheckpoint } from './checkpoint.ts'
import { formatNote, formatSignatureLine, parseNote, parseSignatureLines } from './note.ts'
import { type NoteSigner, signatureLine } from './sign-note.ts'
import type { VerifierKey } from './verifier-key.ts'
import { verifySignatures } from './verify-note.ts'

/**
 * Cosigns a checkpoint (C2SP tlog-cosignature v1). Whoever calls it has verified that the log grew from the
 * last checkpoint cosigned, and has stored this one.
 *
 * @param text - the checkpoint without its signatures.
 * @param now - seconds since the epoch.
 * @returns one signature line, with its newline.
 */
export async function cosign(
  backend: CryptoBackend,
  witness: NoteSigner,
  text: string,
  now: number,
): Promise<string> {
  parseCheckpoint(text)
  return signatureLine(backend, text, witness, now)
}

/**
 * Adds what a witness answered to the log's checkpoint: only valid signatures of the keys given, in place of
 * older ones of the same keys.
 *
 * @param answer - signature lines as a witness sends them, not trusted.
 * @throws KeyhavenError `SIGNATURE_INVALID` if a signature of a given key is wrong; `WIRE_MALFORMED`,
 * `WIRE_TOO_LARGE`.
 */
export async function addCosignatures(
  backend: CryptoBackend,
  note: string,
  answer: string,
  witnesses: readonly VerifierKey[],
): Promise<string> {
  const { text, signatures } = parseNote(note)
  const added = await verifySignatures(backend, { text, signatures: parseSignatureLines(answer) }, witnesses)
  const kept = signatures.filter(
    ({ name, keyId }) => !added.some(({ key }) => key.name === name && key.keyId === keyId),
  )
  return formatNote(text, [...kept, ...added.map(({ signature }) => signature)].map(formatSignatureLine))
}
