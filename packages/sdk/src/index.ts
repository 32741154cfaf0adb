export {
  type Channel,
  type ChannelOptions,
  type ChannelStatus,
  type ChannelStorage,
  type ChannelTrust,
  createMemoryStorage,
  type ManifestTrust,
  type PinnedKey,
  type PinnedTrust,
  SDK_VERSION,
} from '@keyhaven/channel'
export type {
  Conversation,
  ConversationChange,
  ConversationError,
  ConversationEvent,
  ConversationFiles,
  ConversationMember,
  ConversationMessage,
  ConversationRules,
  ConversationSummary,
  Conversations,
  CreateOptions,
  DownloadOptions,
  EncryptedMessage,
  FileContent,
  FileDownload,
  FileMetadata,
  FileProgress,
  FileUpload,
  FileWaiting,
  HistoryRule,
  KeyHolder,
  KeyLeftOut,
  Mode,
  Role,
  RotationRule,
  UploadOptions,
  UploadState,
  VerifiedReceipt,
} from '@keyhaven/conversations'
export { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
export type {
  DirectoryEvent,
  MonitorReport,
  ProfileName,
  SignUp,
  UserState,
  VerifiedDevice,
  VerifiedUser,
} from '@keyhaven/directory'
export type {
  ContactTrust,
  DeviceName,
  Encrypted,
  LeftOut,
  MessageError,
  MessagingStore,
  Repair,
  SafetyNumber,
} from '@keyhaven/messaging'
export { type ConnectOptions, connect, type Keyhaven } from './connect.ts'
export type { LogTrustOptions } from './device/app-context.ts'
export type { DeviceApproval, DeviceInfo, DeviceRequestInfo, Devices } from './device/devices.ts'
export type { Directory } from './device/directory.ts'
export type { EnrollOptions, NewDeviceSetup } from './device/enroll.ts'
export type { History } from './device/history.ts'
export type { MailItem } from './device/mail-item.ts'
export type { Mailbox } from './device/mailbox.ts'
export type { Me, MeOptions } from './device/me.ts'
export type { MessageStoreSource } from './device/message-store.ts'
export type { Messages, ReceivedMessage } from './device/messages.ts'
export type { DeviceSettings } from './device/open-device.ts'
export type { Recovery } from './device/recovery.ts'
export type { RecoverySecret } from './device/recovery-secret.ts'
export type { RenewOptions } from './device/renew-record.ts'
export type { DeviceRequest } from './device/request-device.ts'
export type { ResumeOptions } from './device/resume.ts'
export type { SafetyNumbers } from './device/verification.ts'
export { indexedDbMessageStore } from './indexed-db-message-store.ts'
export { type IndexedDbStorageOptions, indexedDbStorage } from './indexed-db-storage.ts'
