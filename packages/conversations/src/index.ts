// Client of one device.
export type { ConversationApi, ConversationsOptions } from './client/client-options.ts'
export { type AccessDetail, ConversationError } from './client/conversation-error.ts'
export type {
  Conversation,
  ConversationChange,
  ConversationEvent,
  ConversationMember,
  ConversationMessage,
  ConversationRules,
  ConversationSummary,
  Conversations,
  CreateOptions,
  EncryptedMessage,
  KeyHolder,
  KeyLeftOut,
  VerifiedReceipt,
} from './client/conversations.ts'
export { createConversations } from './client/create-conversations.ts'
// Files: encrypted, uploaded, downloaded.
export { type ConversationFiles, createConversationFiles } from './files/conversation-files.ts'
export type { DownloadOptions, FileDownload } from './files/file-download.ts'
export { type FileMetadata, MAX_THUMBNAIL_BYTES } from './files/file-header.ts'
export type { FileUpload } from './files/file-upload.ts'
export type { FilesPort } from './files/files-port.ts'
export type { FileProgress, FileWaiting, UploadOptions } from './files/upload-options.ts'
export type { UploadState } from './files/upload-state.ts'
// Keys: announced, wrapped, shared.
export { type MembershipHead, signKeyAnnouncement } from './key/announcement.ts'
export { commitmentOfKey } from './key/commitment-of-key.ts'
export { newKeyId } from './key/key-id.ts'
export type { KeyObject } from './key/key-object.ts'
export { signKeyShare } from './key/key-share.ts'
export { recipientsRoot } from './key/recipients.ts'
export { type WrappedRecipient, wrapConversationKey } from './key/wrapped-key.ts'
// Membership: entries, their fold, rights.
export { newConversationId } from './membership/conversation-id.ts'
export { membershipHash, membershipItem, signMembershipEntry } from './membership/entry.ts'
export type { Member, MembershipChange } from './membership/membership-change.ts'
export type { HistoryRule, Mode, Role, RotationRule } from './membership/rules.ts'
// Messages: frame, packet, description of a file.
export type { FileContent } from './message/file-content.ts'
export type { ContentKind } from './message/frame.ts'
export { newMessageId, openMessage, sealMessage, verifyMessage } from './message/message.ts'
export type { ConversationKey } from './message/packet.ts'
// Receipts, and what the log commits to.
export { type Commitment, verifyCommitment } from './receipt/commitment.ts'
export {
  decodeReceipt,
  encodeReceipt,
  type Receipt,
  type ReceiptKind,
  type ReceiptRecipient,
} from './receipt/receipt.ts'
