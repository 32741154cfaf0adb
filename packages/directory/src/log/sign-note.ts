import { type CryptoBackend, type SigningKey, utf8, Writer } from '@keyhaven/crypto'
import { formatNote, formatSignatureLine } from './note.ts'
import { createVerifierKey, type NoteSignatureType, type VerifierKey } from './verifier-key.ts'

/** A key that signs notes under a name. */
export interface NoteSigner {
  readonly verifier: VerifierKey
  readonly key: SigningKey
}

/** Throws as {@link createVerifierKey}. */
export async function createNoteSigner(
  backend: CryptoBackend,
  name: string,
  type: NoteSignatureType,
  key: SigningKey,
): Promise<NoteSigner> {
  return { verifier: await createVerifierKey(backend, name, type, key.publicKey), key }
}

/** Signs a text that ends with a newline (C2SP signed-note, type 0x01). @throws TypeError on another text. */
export async function signNote(
  backend: CryptoBackend,
  text: string,
  signers: readonly NoteSigner[],
): Promise<string> {
  const lines: string[] = []
  for (const signer of signers) lines.push(await signatureLine(backend, text, signer))
  return formatNote(text, lines)
}

/**
 * One signature line, with its newline.
 *
 * @param timestamp - seconds since the epoch, for a cosignature and only for one.
 * @throws TypeError if the timestamp does not fit the type of the signer.
 */
export async function signatureLine(
  backend: CryptoBackend,
  text: string,
  signer: NoteSigner,
  timestamp?: number,
): Promise<string> {
  const { name, keyId, type } = signer.verifier
  if ((type === 'cosignature') !== (timestamp !== undefined)) {
    throw new TypeError('a cosignature has a timestamp, another signature has none')
  }
  const signature = await backend.signatures.sign(signer.key, signedMessage(text, timestamp))
  const timestamped =
    timestamp === undefined ? signature : new Writer().u64(timestamp).bytes(signature).done()
  return formatSignatureLine({ name, keyId, signature: timestamped })
}

/**
 * What a signature covers: the text, or for a cosignature a header that keeps the two apart and the time
 * (C2SP tlog-cosignature, "Ed25519 signed message").
 */
export function signedMessage(text: string, timestamp: number | undefined): Uint8Array {
  return utf8(timestamp === undefined ? text : `${COSIGNATURE_HEADER}\ntime ${timestamp}\n${text}`)
}

/** First line of what a cosignature signs; therefore no log's origin. */
export const COSIGNATURE_HEADER = 'cosignature/v1'
