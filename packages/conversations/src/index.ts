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
// Files: encrypted, uploaded, downloaded. Only what is loaded with a conversation's first file.
export { type ConversationFiles, createConversationFiles } from './files/conversation-files.ts'
export type { DownloadOptions, FileDownload } from './files/file-download.ts'
export { type FileMetadata, MAX_THUMBNAIL_BYTES } from './files/file-header.ts'
export type { FileUpload } from './files/file-upload.ts'
export type { FilesPort } from './files/files-port.ts'
export type { FileProgress, UploadOptions } from './files/upload-options.ts'
export type { UploadState } from './files/upload-state.ts'
// Keys: announced, wrapped, shared.
export {
  CONVERSATION_ALGORITHMS,
  CONVERSATION_KEY_BYTES,
  type ConversationAlgorithm,
  requireConversationAlgorithm,
} from './key/algorithm.ts'
export {
  type AnnouncedKey,
  decodeKeyAnnouncement,
  type KeyAnnouncement,
  MAX_ANNOUNCEMENT_CHARACTERS,
  type MembershipHead,
  requireMaker,
  signKeyAnnouncement,
  verifyKeyAnnouncement,
} from './key/announcement.ts'
export { commitmentOfKey } from './key/commitment-of-key.ts'
export type { KeyContext } from './key/key-context.ts'
export {
  type KeyObject,
  type ManagedKeyObject,
  readKeyObject,
  type SealedKeyObject,
} from './key/key-object.ts'
export {
  decodeKeyShare,
  type KeyShare,
  MAX_KEY_SHARE_CHARACTERS,
  signKeyShare,
  verifyKeyShare,
} from './key/key-share.ts'
export {
  MAX_KEY_RECIPIENTS,
  type RecipientProof,
  type RecipientsRoot,
  type RecipientTree,
  recipientLeaf,
  recipientsRoot,
  recipientTree,
  verifyRecipient,
} from './key/recipients.ts'
export {
  type KeyRecipient,
  type KeyWrapContext,
  MAX_WRAPPED_KEY_CHARACTERS,
  unwrapConversationKey,
  type WrappedRecipient,
  wrapConversationKey,
} from './key/wrapped-key.ts'
// Membership: entries, their fold, rights.
export {
  type Author,
  type AuthorKeys,
  authorKeyAt,
  type ChainPin,
  currentAuthorKey,
} from './membership/author.ts'
export {
  type ConversationState,
  currentMembers,
  decodeConversationState,
  encodeConversationState,
  isCurrentMember,
  knowsHead,
  type MemberState,
  memberAt,
  type Period,
} from './membership/conversation-state.ts'
export {
  decodeMembershipEntry,
  type MembershipCommon,
  type MembershipEntry,
  type MembershipFields,
  membershipHash,
  membershipItem,
  signMembershipEntry,
} from './membership/entry.ts'
export { extendMembership, foldMembership, type MembershipExpectation } from './membership/fold-membership.ts'
export { isConversationId, newConversationId } from './membership/ids.ts'
export {
  AUTHOR_SKEW_SECONDS,
  MAX_CHANGE_ENTRY_CHARACTERS,
  MAX_CLOCK_DIFFERENCE_SECONDS,
  MAX_MEMBERS,
  MAX_MEMBERS_ENTRY_CHARACTERS,
  MAX_MEMBERS_PER_ENTRY,
  MAX_MEMBERSHIP_ENTRIES,
} from './membership/limits.ts'
export type {
  AcceptChainChange,
  AddChange,
  CreateChange,
  Member,
  MembershipChange,
  ModeChange,
  RemoveChange,
  RoleChange,
  RulesChange,
} from './membership/membership-change.ts'
export {
  type ReadableKey,
  type Reader,
  type ReadPermission,
  type ReadRefusal,
  type ReadRule,
  readPermission,
} from './membership/read-permission.ts'
export {
  mayChange,
  mayRotate,
  mayRotateAt,
  mayWrite,
  mayWriteAt,
  type Permission,
  type Verdict,
  type Who,
} from './membership/rights.ts'
export {
  type CurrentKey,
  devicesNeedRotation,
  type RotationFacts,
  type RotationReason,
  rotationDue,
} from './membership/rotation-due.ts'
export type { HistoryRule, Mode, Role, RotationRule } from './membership/rules.ts'
// Messages: frame, packet, description of a file.
export {
  decodeFileContent,
  encodeFileContent,
  type FileContent,
  fileIdOf,
  fileUrl,
  MAX_FILE_CONTENT_BYTES,
  MAX_FILE_NAME_CHARACTERS,
  requireFileName,
  requireMediaType,
} from './message/file-content.ts'
export type { ContentKind, Message, SignedMessage } from './message/frame.ts'
export { MAX_CONTENT_BYTES, MAX_PACKET_BYTES } from './message/limits.ts'
export { newMessageId, openMessage, sealMessage, verifyMessage } from './message/message.ts'
export type { ConversationKey } from './message/packet.ts'
// Receipts, and what the log commits to.
export {
  type BatchCommitment,
  type Commitment,
  commitBatch,
  type LogProof,
  MAX_BATCH_ITEMS,
  readCommitment,
  verifyCommitment,
} from './receipt/commitment.ts'
export {
  decodeReceipt,
  encodeReceipt,
  MAX_RECEIPT_BYTES,
  type Receipt,
  type ReceiptKind,
  type ReceiptRecipient,
} from './receipt/receipt.ts'
