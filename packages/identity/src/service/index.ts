export {
  AUTH_CREDENTIAL,
  type CredentialOrder,
  type CredentialService,
  type CredentialState,
  type CredentialStatus,
  ID_TYPES,
  type IdType,
  type IssuedCredential,
} from './credentials/credential-service.ts'
export type {
  CreatedShare,
  Datashare,
  ReadableShare,
  ShareReader,
  ShareToCreate,
  ShareToRead,
} from './datashare/datashare.ts'
export type { EventPublisher, EventToPublish, IdentityEvent } from './events/event-publisher.ts'
export type {
  IssuanceOrder,
  OprfEvaluated,
  OprfOrder,
  OprfPublicKey,
  OprfServer,
} from './oprf/oprf-server.ts'
export type {
  PartnerAction,
  PartnerDecision,
  PartnerDecisions,
  PartnerQuestion,
} from './partners/partner-decisions.ts'
export type * from './partners/partner-records.ts'
export type {
  IdentityAuditEntry,
  PartnerReads,
  PartnerStore,
  PartnerTransaction,
  Records,
  WritableRecords,
} from './partners/ports.ts'
export type {
  FoundPerson,
  IdaRecord,
  IdaRecordState,
  IdaVault,
  IdaVaultStatus,
  ImportResult,
  PartnerSignedRequest,
  SignedEvent,
} from './vault/ida-vault.ts'
export type {
  IssuerVault,
  MadePool,
  RecordPlace,
  SealedGroup,
  VaultStatus,
  VaultSubject,
} from './vault/issuer-vault.ts'
export type {
  PoolConflict,
  PoolConflictKind,
  PoolGeneration,
  PoolStore,
  StoredPoolKey,
} from './vault/pool-store.ts'
