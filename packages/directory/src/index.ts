export { type Acceptance, signAcceptance, verifyAcceptance } from './chain/acceptance.ts'
export { type ChainSigner, signerOf } from './chain/chain-signer.ts'
export { deviceStatus } from './chain/device-at.ts'
export {
  type DeviceKeyRequest,
  signDeviceKeyRequest,
  verifyDeviceKeyRequest,
} from './chain/device-key-request.ts'
export { recoveryEffective, revocationEffective } from './chain/effective-time.ts'
export {
  type EncryptionKeyStatement,
  signEncryptionKeyStatement,
  type VerifiedEncryptionKey,
  verifyEncryptionKeyStatement,
} from './chain/encryption-key-statement.ts'
export {
  type DecodedEntry,
  type DeviceEntry,
  decodeEntry,
  type Entry,
  type EntryFields,
  type EntryKind,
  entryHash,
  type ObjectionEntry,
  type RecoveryEntry,
  type ResetEntry,
  type RevocationEntry,
  signEntry,
} from './chain/entry.ts'
export {
  type ExtendExpectation,
  emptyState,
  extendChain,
  type FoldExpectation,
  foldChain,
  requireSameChain,
  stateAt,
} from './chain/fold-chain.ts'
export { legacySignerOf, signLegacyProof } from './chain/legacy-signer.ts'
export {
  DEFAULT_RECORD_LIFETIME_SECONDS,
  DEFAULT_RENEWAL_GRACE_SECONDS,
  ENCRYPTION_KEY_GRACE_SECONDS,
  MAX_CHAIN_ENTRIES,
  MAX_ENCRYPTION_KEY_LIFETIME_SECONDS,
  MAX_ENTRY_BYTES,
  MAX_RECORD_LIFETIME_SECONDS,
  MAX_RENEWAL_GRACE_SECONDS,
  OBJECTION_PERIOD_SECONDS,
} from './chain/limits.ts'
export type { LookUpAnswer, ProvenEntry } from './chain/look-up-answer.ts'
export { checkUsername, isUsername } from './chain/names.ts'
export { newDeviceId } from './chain/new-device-id.ts'
export {
  type ChainAlgorithm,
  isProfileName,
  PROFILES,
  type Profile,
  type ProfileEncryption,
  type ProfileName,
  profileOf,
} from './chain/profile.ts'
export { decodeUserState, encodeUserState } from './chain/stored-state.ts'
export type {
  DeviceRecord,
  DeviceRevocation,
  DeviceState,
  DeviceStatus,
  EntrySigner,
  HistoryItem,
  RecoveryState,
  UserState,
} from './chain/user-state.ts'
export { createMemoryDirectoryStore, type DirectoryClientStore } from './client/client-store.ts'
export { createDirectoryClient } from './client/create-directory-client.ts'
export { type GeneratedDeviceKeys, generateDeviceKeys } from './client/device-keys.ts'
export type {
  AcceptedEntry,
  ChainPosition,
  DirectoryClient,
  DirectoryClientOptions,
  DirectoryEvent,
  DirectoryIdentity,
  MonitorReport,
  NewDevice,
  RecordedKey,
  RememberedCheckpoint,
  RenewalOptions,
  SignedFetch,
  SignUp,
  VerifiedDevice,
  VerifiedUser,
} from './client/directory-client.ts'
export { serverRefusal } from './client/server-refusal.ts'
export {
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  DEVICE_REQUEST_WINDOW_SECONDS,
} from './request-signature/device-profile.ts'
export {
  type RequestParts,
  type RequestSigner,
  signDeviceRequest,
} from './request-signature/sign-device-request.ts'
export {
  isDeviceRequest,
  type KnownDevice,
  type SignedDeviceRequest,
  verifyDeviceRequest,
} from './request-signature/verify-device-request.ts'
