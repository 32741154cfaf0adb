import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { addCosignatures, cosign } from './cosignature.ts'
import { formatNote, formatSignatureLine, type Note, parseNote } from './note.ts'
import type { NoteSigner } from './sign-note.ts'
import { emptyRoot } from './tree-hash.ts'
import type { VerifierKey } from './verifier-key.ts'
import { type VerifiedSignature, verifySignatures } from './verify-note.ts'
import { verifyConsistency } from './verify-proof.ts'
import { type AddCheckpoint, parseAddCheckpoint } from './witness-request.ts'

/** What a witness remembers of one log. */
export interface WitnessedLog {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** The checkpoint with the signatures of the log and of this witness, for those who monitor. */
  readonly note: string
}

/** Port: durable, one record for each origin. */
export interface WitnessState {
  read(origin: string): Promise<WitnessedLog | undefined>
  /**
   * Atomic: stores `next` if the record's size is still `expectedSize` (0: also if there is no record), and
   * says whether it did. Durable before it answers: what was cosigned must not be forgotten.
   */
  compareAndSet(origin: string, expectedSize: number, next: WitnessedLog): Promise<boolean>
}

export interface Witness {
  readonly signer: NoteSigner
  /** Keys of the logs that it cosigns, by origin. */
  readonly logs: ReadonlyMap<string, readonly VerifierKey[]>
  readonly state: WitnessState
  /** Seconds since the epoch. */
  readonly clock: () => number
}

/** An answer over HTTP. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422
  readonly contentType: 'text/plain; charset=utf-8' | typeof TLOG_SIZE_TYPE
  /** 200: a cosignature line. 409: the size last cosigned. Otherwise what is wrong, for people. */
  readonly body: string
}

export const TLOG_SIZE_TYPE = 'text/x.tlog.size'

/**
 * Answers a POST to `add-checkpoint` (C2SP tlog-witness): cosigns a checkpoint of a known log if the log
 * grew, and only grew, since the last one.
 *
 * @throws what the state throws; nothing is cosigned then.
 */
export async function addCheckpoint(
  backend: CryptoBackend,
  witness: Witness,
  body: string,
): Promise<WitnessAnswer> {
  let request: AddCheckpoint
  let note: Note
  let checkpoint: Checkpoint
  try {
    request = parseAddCheckpoint(body)
    note = parseNote(request.note)
    checkpoint = parseCheckpoint(note.text)
  } catch (error) {
    return refused(400, messageOf(error))
  }
  const { origin, size } = checkpoint
  const keys = witness.logs.get(origin)
  if (!keys) return refused(404, 'unknown log')
  const ofLog = await signaturesOfLog(backend, note, keys)
  if (ofLog.length === 0) return refused(403, 'not signed by the log')
  if (request.oldSize > size) return refused(400, 'the old size is over the size of the checkpoint')
  const stored = await witness.state.read(origin)
  const storedSize = stored?.size ?? 0
  if (request.oldSize !== storedSize) return conflict(storedSize)
  const problem = await inconsistency(backend, stored, request, checkpoint)
  if (problem) return refused(422, problem)
  const line = await cosign(backend, witness.signer, note.text, witness.clock())
  const signed = formatNote(
    note.text,
    ofLog.map(({ signature }) => formatSignatureLine(signature)),
  )
  const next = {
    size,
    root: checkpoint.root,
    note: await addCosignatures(backend, signed, line, [witness.signer.verifier]),
  }
  if (await witness.state.compareAndSet(origin, storedSize, next)) {
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: line }
  }
  return conflict((await witness.state.read(origin))?.size ?? 0)
}

/** None also if one of the log's signatures is wrong: such a note is malformed (C2SP signed-note). */
async function signaturesOfLog(
  backend: CryptoBackend,
  note: Note,
  keys: readonly VerifierKey[],
): Promise<readonly VerifiedSignature[]> {
  try {
    return await verifySignatures(backend, note, keys)
  } catch (error) {
    if (error instanceof KeyhavenError) return []
    throw error
  }
}

/** Why the checkpoint does not continue the stored one, if it does not. */
async function inconsistency(
  backend: CryptoBackend,
  stored: WitnessedLog | undefined,
  { oldSize, proof }: AddCheckpoint,
  { size, root }: Checkpoint,
): Promise<string | undefined> {
  const root1 = stored?.root ?? (await emptyRoot(backend))
  try {
    await verifyConsistency(backend, { size1: oldSize, root1, size2: size, root2: root, proof })
  } catch (error) {
    if (error instanceof KeyhavenError) return error.message
    throw error
  }
}

function refused(status: 400 | 403 | 404 | 422, why: string): WitnessAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${why}\n` }
}

function conflict(size: number): WitnessAnswer {
  return { status: 409, contentType: TLOG_SIZE_TYPE, body: `${size}\n` }
}

function messageOf(error: unknown): string {
  if (error instanceof KeyhavenError) return error.message
  throw error
}
