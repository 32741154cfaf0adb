export { CREDENTIAL_PUBLISHER } from '../vault/credential-event.ts'
export { firstIndexOf, generationOf, POOL_KEYS } from '../vault/pool-index.ts'
export type { SignedAnswer } from './authentication/answer-signer.ts'
export {
  FAILURE_WINDOW_MINUTES,
  limitOf,
  otpSubject,
  PARTNER_FAILURES,
  PARTNER_OTPS,
  PERSON_FAILURES,
  PERSON_OTPS,
} from './authentication/attempt-limits.ts'
export type { AuthenticationOptions } from './authentication/authentication-options.ts'
export { bioSdkMatcher } from './authentication/bio-sdk-matcher.ts'
export {
  type AuthenticationService,
  createAuthenticationService,
  type RelyingPartyCall,
} from './authentication/create-authentication-service.ts'
export { importUpdate, issuerTrust, type UpdateResult } from './authentication/import-update.ts'
export { OTP_ATTEMPTS, OTP_MINUTES } from './authentication/otp.ts'
export { createPartnerView, type PartnerSnapshot, type PartnerView } from './authentication/partner-view.ts'
export { createPersonTokens } from './authentication/person-tokens.ts'
export type {
  AuthenticationEnd,
  AuthenticationSecrets,
  AuthenticationStore,
  FailureCount,
  OtpSender,
  RequestMarks,
  RequestStart,
  StoredOtp,
} from './authentication/ports.ts'
export { createSubjectNames, type SubjectNames } from './authentication/subject-names.ts'
export {
  MATCHING_STRATEGIES,
  type MatchingRule,
  type MatchingRules,
  type MatchingStrategy,
} from './authentication/text-match.ts'
export { createCredentialService } from './credentials/create-credential-service.ts'
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
  CredentialEventToPublish,
  CredentialPerson,
  CredentialServiceOptions,
  CredentialStore,
  NewCredential,
  StoredCredential,
} from './credentials/ports.ts'
export { createDatashare, MAX_SHARE_BYTES } from './datashare/create-datashare.ts'
export type {
  CreatedShare,
  Datashare,
  ReadableShare,
  ShareReader,
  ShareToCreate,
  ShareToRead,
} from './datashare/datashare.ts'
export type { DatashareParts } from './datashare/datashare-parts.ts'
export type { ShareObjects, ShareStore, ShareTransaction } from './datashare/ports.ts'
export { READ_COUNTS_ONCE_MS } from './datashare/read-share.ts'
export type { Share } from './datashare/share-records.ts'
export { createEventPublisher } from './events/create-event-publisher.ts'
export {
  createEventDeliverer,
  DELIVERY_ATTEMPTS,
  DELIVERY_MAX_WAIT_MS,
  DELIVERY_WAIT_DAYS,
  type EventDeliverer,
  type EventDelivererParts,
  WAITED_FOR,
} from './events/event-deliverer.ts'
export { EVENT_KEPT_DAYS, type EventPublisher, type EventToPublish } from './events/event-publisher.ts'
export type { OutboxEvent } from './events/event-records.ts'
export type { EventStore, WebhookAnswer, WebhookSender } from './events/ports.ts'
export {
  createIdentityKeyService,
  type IdentityKeyOptions,
  type ManagedIdentityKeys,
} from './keys/create-identity-keys.ts'
export {
  type CipherRequest,
  createKeymanager,
  type Keymanager,
  type KeymanagerOptions,
  type KeyPolicies,
  type SignRequest,
  type Verification,
  type VerifyRequest,
} from './keys/keymanager.ts'
export type { IdentityKeyRecord, IdentityKeyStore, ListedIdentityKey } from './keys/ports.ts'
export {
  createOprfServer,
  type OprfServerOptions,
  type OprfStore,
  type OprfUse,
  type StoredOprfKey,
} from './oprf/create-oprf-server.ts'
export type { OprfKeyInfo, OprfServer } from './oprf/oprf-server.ts'
export { ISSUANCE_ORDER_TYP } from './oprf/read-issuance-order.ts'
export type { PartnerCaller } from './partners/caller.ts'
export { type CertificateService, createCertificateService } from './partners/certificate-service.ts'
export { createPartnerDecisions } from './partners/create-partner-decisions.ts'
export { createPartnerService } from './partners/create-partner-service.ts'
export { certificateOf } from './partners/judge.ts'
export { createPartnerAnnouncer, type PartnerAnnouncer } from './partners/partner-announcer.ts'
export type {
  PartnerAction,
  PartnerDecision,
  PartnerDecisions,
  PartnerQuestion,
} from './partners/partner-decisions.ts'
export { hashPartnerKey } from './partners/partner-keys.ts'
export type * from './partners/partner-records.ts'
export type { IssuedKey, PartnerService, PartnerToRegister } from './partners/partner-service.ts'
export type {
  IdentityAuditEntry,
  PartnerReads,
  PartnerStore,
  PartnerTransaction,
  Records,
  WritableRecords,
} from './partners/ports.ts'
export { createPolicyService, type PolicyService, type PolicyToDefine } from './policy/policy-service.ts'
export { demographicTag } from './registration/demographic-tag.ts'
export {
  createKeyhavenPacketOpener,
  createMosipPacketOpener,
  type PacketOpener,
  stationPacketKey,
} from './registration/packet-opener.ts'
export type {
  Abis,
  CredentialRequests,
  GalleryEntry,
  OperatorDirectory,
  PacketSource,
  RegistrationKeys,
  RegistrationRepository,
  SchemaDirectory,
  StageChange,
  StageStore,
  Station,
  StationDirectory,
  StoredRegistration,
} from './registration/ports.ts'
export {
  createRegistrationProcessor,
  type RegistrationProcessor,
  type RegistrationProcessorParts,
} from './registration/registration-processor.ts'
export type { RegistrationReceipt } from './registration/sign-receipt.ts'
export {
  MACHINE_CLOCK_SKEW_MS,
  REGISTRATION_PROCESSES,
  type RegistrationProcess,
} from './registration/verify-registration.ts'
export { createIdentityRepository } from './repository/create-identity-repository.ts'
export type {
  Identity,
  IdentityData,
  IdentityFile,
  IdentityHistoryEntry,
  IdentityRepository,
  IdentitySummary,
  PersonNumbers,
  RepositoryIdType,
} from './repository/identity-repository.ts'
export { createKeyhavenSealer, type RecordKeys } from './repository/keyhaven-sealer.ts'
export {
  createMosipSealer,
  type RepositoryKeys,
  UIN_SALTS,
  type UinSalt,
} from './repository/mosip-sealer.ts'
export type {
  FileCategory,
  IdentityChange,
  RecordObjects,
  RecordSealer,
  RecordStatus,
  RepositoryReads,
  RepositoryStore,
  RepositoryTransaction,
  StoredFileRef,
  StoredRecord,
  StoredVersion,
  StoredVid,
} from './repository/ports.ts'
export type { PersonNumber, VidSummary } from './repository/vids.ts'
export { createIdaVault } from './vault/create-ida-vault.ts'
export {
  type GuessEffort,
  type GuessingCost,
  type GuessingOptions,
  guessingCost,
  type Stolen,
  UIN_CANDIDATES,
} from './vault/guessing-cost.ts'
export type {
  IdaImport,
  IdaImported,
  IdaStore,
  StoredAttribute,
  StoredIdaRecord,
} from './vault/ida-store.ts'
export type {
  FoundPerson,
  IdaRecord,
  IdaRecordState,
  IdaVault,
  IdaVaultStatus,
  ImportResult,
  SignedEvent,
} from './vault/ida-vault.ts'
export type { IdaVaultOptions } from './vault/ida-vault-options.ts'
export type {
  IssuerVault,
  MadePool,
  RecordPlace,
  SealedGroup,
  VaultStatus,
  VaultSubject,
} from './vault/issuer-vault.ts'
export { createKeyhavenVault, type KeyhavenVaultOptions } from './vault/keyhaven-vault.ts'
export { createMosipVault, type MosipVaultOptions, type ZkService } from './vault/mosip-vault.ts'
export type {
  PoolConflict,
  PoolConflictKind,
  PoolGeneration,
  PoolStore,
  StoredPoolKey,
} from './vault/pool-store.ts'
