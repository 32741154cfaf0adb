export type { DeviceEncryptionKey, DeviceKeys, NewDeviceKeys } from './device/device-keys.ts'
export {
  createDeviceKeys,
  type DeviceKeysOptions,
  ENCRYPTION_KEY_SECONDS,
  type NewDeviceOptions,
  openDeviceKeys,
} from './device/open-device-keys.ts'
export type {
  DeviceSigner,
  DeviceVerifyKey,
  MessagingDirectory,
  RecordedKey,
  VerifiedDevice,
  VerifiedUser,
} from './directory-port.ts'
export type { History, HistoryBatch, HistoryRecipient } from './history/history.ts'
export { MAX_BATCH_CHARACTERS } from './history/history-batch.ts'
export { DEFAULT_SETTINGS } from './messenger/context.ts'
export { createMessenger } from './messenger/create-messenger.ts'
export { MessageError } from './messenger/message-error.ts'
export type {
  ContactTrust,
  Decrypted,
  DeviceName,
  Encrypted,
  LeftOut,
  Messenger,
  MessengerOptions,
  MessengerSettings,
  Repair,
} from './messenger/messenger.ts'
export { namedSender } from './messenger/named-sender.ts'
export { isRepairRequest, REPAIR_TYPE } from './messenger/repair-envelope.ts'
export {
  generateRecoveryKey,
  recoveryKeyFromEntropy,
  recoveryKeyFromWords,
} from './recovery/create-recovery-key.ts'
export type { RecoveryKey } from './recovery/recovery-key.ts'
export {
  type Argon2id,
  type Argon2idParameters,
  type RecoveryOwner,
  unwrapWithPasskey,
  unwrapWithPassphrase,
  wrapWithPasskey,
  wrapWithPassphrase,
} from './recovery/wrap-recovery-key.ts'
export { indexedDbStore } from './store/indexed-db-store.ts'
export { memoryStore } from './store/memory-store.ts'
export type { MessagingStore, StoreChange, StoredValue } from './store/messaging-store.ts'
export type { SafetyNumber, Verification } from './verification/verification.ts'
export { signDeviceJws, verifyDeviceJws } from './wire/device-jws.ts'
export { MESSAGE_TYPE } from './wire/envelope.ts'
export { MAX_ENVELOPE_CHARACTERS, MAX_RECIPIENT_DEVICES } from './wire/limits.ts'
export {
  type JsonObject,
  malformed,
  requireApplication,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from './wire/member-checks.ts'
export { openFrom, sealTo, unwrapKey, wrapKey } from './wire/wrapped-key.ts'
