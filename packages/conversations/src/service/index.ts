export { LEGACY_PROFILE } from '../key/legacy-profile.ts'
export { MAX_KEYS_PER_CALL, MAX_RECIPIENTS_PER_CALL } from '../key/limits.ts'
export type {
  ConversationService,
  ConversationSummary,
  ConversationView,
  EntryInput,
  ExportedKey,
  IncompleteKey,
  LoggedEntry,
  LoggedReceipt,
  LogProofs,
  ReadableFile,
  RefusedKey,
} from './conversation-service.ts'
export {
  type ConversationServiceOptions,
  createConversationService,
} from './create-conversation-service.ts'
export { createGroupCommit, type GroupCommit, type GroupCommitOptions, type Outcome } from './group-commit.ts'
export type {
  ConversationDirectory,
  ConversationReads,
  ConversationStore,
  ConversationTransaction,
  KeyPlace,
  KeyVault,
} from './ports.ts'
export {
  type AccessReason,
  AccessRefused,
  MembershipConflict,
  type OperatorReason,
  OperatorRefused,
} from './refusals.ts'
export type { SealedKeyUpload } from './sealed-key.ts'
export type {
  Caller,
  ConversationAuditEntry,
  KeyRequest,
  ReleaseFacts,
  ReleaseQuestion,
  StoredConversation,
  StoredDeviceFacts,
  StoredEntry,
  StoredExport,
  StoredKey,
  StoredReceipt,
  StoredRecipient,
  StoredSecret,
  StoredShare,
  StoredStay,
} from './stored-rows.ts'
