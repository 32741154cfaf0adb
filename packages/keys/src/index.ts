export type { KeyServiceOptions } from './create-key-service.ts'
export { createKeyService } from './create-key-service.ts'
export { KEY_ID_COUNT, MAX_LIVE_KEYS, nextKeyId } from './key-ids.ts'
export type { AddE2eKey, By, KeySchedule, KeyService } from './key-service.ts'
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
export { unwrapKemKey, unwrapSigningKey, wrapContext } from './private-parts.ts'
export { MIN_ACTIVATION_DELAY_MS } from './schedule.ts'
export type { Transition } from './transitions.ts'
export { activate, dueTransitions, NEXT_STATES, step } from './transitions.ts'
