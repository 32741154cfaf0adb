export { type AuditedHead, auditLog } from './audit.ts'
export { type Checkpoint, formatCheckpoint, isOrigin, parseCheckpoint } from './checkpoint.ts'
export { addCosignatures, cosign } from './cosignature.ts'
export { decodeEntryBundle, encodeEntryBundle, MAX_ENTRY_BUNDLE_BYTES } from './entry-bundle.ts'
export {
  type AuthorityJwk,
  type CommitmentLeaf,
  type DirectoryLeaf,
  decodeLeaf,
  encodeLeaf,
  entryCommitment,
  LABEL_BYTES,
  type Leaf,
  type LogParameters,
  labelInput,
  MAX_LEAF_BYTES,
  OPENING_BYTES,
} from './leaf.ts'
export { createLogSigner, type LogSigner, signCheckpoint } from './log-signer.ts'
export { importLogTrust, type LogTrust, type LogTrustConfiguration } from './log-trust.ts'
export { type LogNode, type LogNodes, MAX_LOG_SIZE, type NodeId } from './node-id.ts'
export { isKeyName, MAX_NOTE_CHARACTERS, type Note, type NoteSignature, parseNote } from './note.ts'
export {
  CHECKPOINT_SKEW_SECONDS,
  type CheckpointExpectation,
  type Cosignature,
  type OpenedCheckpoint,
  openCheckpoint,
} from './open-checkpoint.ts'
export { type AppendedLog, appendToPeaks, type LogHead, peakNodes, rootOf } from './peaks.ts'
export { consistencyProof, inclusionProof, rootAtSize } from './prove.ts'
export { createNoteSigner, type NoteSigner, signNote } from './sign-note.ts'
export { decodeTile, encodeTile, tileNodes } from './tile.ts'
export { entryTiles, parseTilePath, TILE_WIDTH, type TileId, tilePath, tileWidth } from './tile-path.ts'
export { emptyRoot, HASH_BYTES, leafHash, nodeHash, type TreeHasher } from './tree-hash.ts'
export {
  createVerifierKey,
  formatVerifierKey,
  type NoteSignatureType,
  parseVerifierKey,
  type VerifierKey,
} from './verifier-key.ts'
export { type VerifiedNote, type VerifiedSignature, verifyNote } from './verify-note.ts'
export {
  type ConsistencyClaim,
  type InclusionClaim,
  MAX_PROOF_HASHES,
  verifyConsistency,
  verifyInclusion,
} from './verify-proof.ts'
export {
  addCheckpoint,
  TLOG_SIZE_TYPE,
  type Witness,
  type WitnessAnswer,
  type WitnessedLog,
  type WitnessState,
} from './witness.ts'
export {
  type AddCheckpoint,
  formatAddCheckpoint,
  MAX_ADD_CHECKPOINT_CHARACTERS,
  parseAddCheckpoint,
} from './witness-request.ts'
