export type { AddE2eKey, By, KeySchedule, KeyService, UsableKey } from './key-service.ts'
export type {
  Actor,
  KeyPurpose,
  KeyState,
  KeyStep,
  ManagedE2eKey,
  ManagedKey,
  ManagedSigningKey,
  SigningPurpose,
} from './managed-key.ts'
export { DEFAULT_SUITE, isLive, SUITE_AEADS, SUITE_KEMS } from './managed-key.ts'
export type { KeyAuditEntry, KeyStore, KeyTransaction, KeyWrapper, WrapContext } from './ports.ts'
