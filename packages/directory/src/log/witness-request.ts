import { fromBase64, KeyhavenError, toBase64 } from '@keyhaven/crypto'
import { parseDecimal } from './decimal.ts'
import { MAX_NOTE_CHARACTERS } from './note.ts'
import { HASH_BYTES } from './tree-hash.ts'
import { MAX_PROOF_HASHES } from './verify-proof.ts'

const PROOF_LINE_CHARACTERS = 45
const OLD_SIZE_LINE_CHARACTERS = 21
/** Longest body that a witness reads. */
export const MAX_ADD_CHECKPOINT_CHARACTERS =
  OLD_SIZE_LINE_CHARACTERS + MAX_PROOF_HASHES * PROOF_LINE_CHARACTERS + 1 + MAX_NOTE_CHARACTERS

/** Body of a POST to `add-checkpoint` (C2SP tlog-witness). */
export interface AddCheckpoint {
  /** Size of the log when this witness last cosigned it; 0 if never. */
  readonly oldSize: number
  /** Consistency proof from `oldSize`. */
  readonly proof: readonly Uint8Array[]
  /** The new checkpoint, signed by the log. */
  readonly note: string
}

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return [`old ${oldSize}`, ...proof.map(toBase64), '', note].join('\n')
}

/** @throws KeyhavenError `WIRE_MALFORMED`; `WIRE_TOO_LARGE` over {@link MAX_ADD_CHECKPOINT_CHARACTERS}. */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  if (body.length > MAX_ADD_CHECKPOINT_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'add-checkpoint')
  const end = body.indexOf('\n\n')
  const [first = '', ...proofLines] = body.slice(0, Math.max(end, 0)).split('\n')
  if (!first.startsWith('old ') || proofLines.length > MAX_PROOF_HASHES) throw malformed()
  const proof = proofLines.map(fromBase64)
  if (proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed()
  return { oldSize: parseDecimal(first.slice('old '.length)), proof, note: body.slice(end + 2) }
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not the body of add-checkpoint')
}
