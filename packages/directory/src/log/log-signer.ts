import type { CryptoBackend, SigningKey } from '@keyhaven/crypto'
import { type Checkpoint, formatCheckpoint, isOrigin } from './checkpoint.ts'
import { formatNote } from './note.ts'
import { createNoteSigner, type NoteSigner, signatureLine } from './sign-note.ts'
import { createVerifierKey, type VerifierKey } from './verifier-key.ts'

/** The key of a log, with its origin. */
export interface LogSigner {
  /** Signs checkpoints; its verifier key is what apps are configured with. */
  readonly checkpoint: NoteSigner
  /** Adds the time: the same key, as a cosigner of its own log, under another key id. */
  readonly time: NoteSigner
}

/** @throws TypeError on an origin that is none, or a key that is not Ed25519. */
export async function createLogSigner(
  backend: CryptoBackend,
  origin: string,
  key: SigningKey,
): Promise<LogSigner> {
  if (!isOrigin(origin)) throw new TypeError('not the origin of a log')
  return {
    checkpoint: await createNoteSigner(backend, origin, 'ed25519', key),
    time: await createNoteSigner(backend, origin, 'cosignature', key),
  }
}

/**
 * Signs a checkpoint twice: as every log does, and with the time, so that a client can tell how old the
 * log's word is. A checkpoint itself has no time.
 *
 * @param now - seconds since the epoch.
 */
export async function signCheckpoint(
  backend: CryptoBackend,
  signer: LogSigner,
  head: Pick<Checkpoint, 'size' | 'root'>,
  now: number,
): Promise<string> {
  const text = formatCheckpoint({ ...head, origin: signer.checkpoint.verifier.name })
  return formatNote(text, [
    await signatureLine(backend, text, signer.checkpoint),
    await signatureLine(backend, text, signer.time, now),
  ])
}

/** The verifier key for the time in checkpoints of this log: same name and key, another type. */
export function timeVerifier(backend: CryptoBackend, log: VerifierKey): Promise<VerifierKey> {
  return createVerifierKey(backend, log.name, 'cosignature', log.verifyKey)
}
