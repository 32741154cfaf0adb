export type {
  DeviceEncryptionKey,
  DeviceKeys,
  NewDeviceKeys,
} from './device/device-keys.ts'
export type {
  DeviceAlgorithm,
  DeviceSigner,
  DeviceVerifyKey,
  MessagingDirectory,
  ProfileName,
  RecordedKey,
  VerifiedDevice,
  VerifiedUser,
} from './directory-port.ts'
export type { History, HistoryBatch, HistoryRecipient } from './history/history.ts'
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
export type { RecoveryKey } from './recovery/recovery-key.ts'
export type { MessagingStore, StoreChange, StoredValue } from './store/messaging-store.ts'
export type { SafetyNumber, Verification } from './verification/verification.ts'
