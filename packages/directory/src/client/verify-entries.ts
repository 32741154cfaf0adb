import { type CryptoBackend, fromBase64url, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { vrfOutput, vrfVerify } from '@keyhaven/crypto/vrf'
import { verifyAcceptance } from '../chain/acceptance.ts'
import {
  encodeLeaf,
  entryCommitment,
  labelInput,
  leafHash,
  type OpenedCheckpoint,
  verifyInclusion,
} from '../log/index.ts'
import type { DirectoryParameters } from './log-memory.ts'
import type { EntryReply } from './look-up-reply.ts'

/** Whose entries, and against what they are checked. */
export interface EntryExpectation {
  readonly application: string
  readonly username: string
  readonly parameters: DirectoryParameters
  readonly checkpoint: Pick<OpenedCheckpoint, 'size' | 'root'>
  /** Place of the last entry known before; -1 if none is. */
  readonly after: number
}

/** @returns the user's label, 64 bytes. @throws KeyhavenError `PROOF_INVALID` */
export function verifyLabel(
  { application, username, parameters }: Pick<EntryExpectation, 'application' | 'username' | 'parameters'>,
  proof: Uint8Array,
): Uint8Array {
  const label = vrfVerify(parameters.vrfKey, labelInput(application, username), proof)
  if (label === undefined) throw new KeyhavenError('PROOF_INVALID', 'the label is not the one of this user')
  return label
}

/**
 * The label of a user that was verified before: no other can be proven, so the proof need only stand for it. That costs a
 * twentieth of verifying.
 *
 * @param known - base64url. @returns it, 64 bytes. @throws KeyhavenError `PROOF_INVALID`
 */
export function requireKnownLabel(known: string, proof: Uint8Array): Uint8Array {
  if (!isProofOf(known, proof)) {
    throw new KeyhavenError('PROOF_INVALID', 'the user has another label than before')
  }
  return fromBase64url(known)
}

function isProofOf(label: string, proof: Uint8Array): boolean {
  try {
    return toBase64url(vrfOutput(proof)) === label
  } catch {
    return false
  }
}

/**
 * That each entry is in the log under this label, in this order, and that the authority accepted it. What the entries
 * say is the chain's to judge.
 *
 * @throws KeyhavenError `PROOF_INVALID`; `RECORD_INVALID` on an acceptance that is none.
 */
export async function verifyEntries(
  backend: CryptoBackend,
  entries: readonly EntryReply[],
  label: Uint8Array,
  expected: EntryExpectation,
): Promise<void> {
  let after = expected.after
  for (const { entry, acceptance, index, opening, proof } of entries) {
    if (index <= after) throw new KeyhavenError('PROOF_INVALID', 'the log has the entries in another order')
    after = index
    const bytes = utf8(entry)
    const commitment = await entryCommitment(backend, opening, bytes)
    const leaf = encodeLeaf({ kind: 'entry', label, commitment })
    const { size, root } = expected.checkpoint
    await verifyInclusion(backend, { leafHash: await leafHash(backend, leaf), index, size, proof, root })
    const { application, username, parameters } = expected
    const hash = toBase64url(await backend.sha256(bytes))
    await verifyAcceptance(backend, parameters.authority, acceptance, { application, username, entry: hash })
  }
}
