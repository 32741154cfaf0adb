import type { AuthenticationSecrets, RecordKeys } from '@keyhaven/identity/service'
import { deriveRecordKey } from '../repository/record-keys.ts'

/** Keys that follow from the kept ones of an application, one for each use. */
export interface IdaSecrets extends AuthenticationSecrets {
  /** Wraps the key of {@link PartnerKey}. */
  readonly partnerWrapKey: Uint8Array
  /** Seed of the HPKE key (x-wing) that shares of profile `keyhaven` are sealed to. */
  readonly shareSeed: Uint8Array
}

export async function deriveIdaSecrets(keys: RecordKeys, application: string): Promise<IdaSecrets> {
  const derive = (secret: Uint8Array, label: string) => deriveRecordKey(secret, label, application)
  return {
    tokenKey: await derive(keys.dataKey, 'keyhaven ida token key v1'),
    subjectKey: await derive(keys.tagKey, 'keyhaven ida subject key v1'),
    requestKey: await derive(keys.dataKey, 'keyhaven ida request key v1'),
    partnerWrapKey: await derive(keys.dataKey, 'keyhaven ida partner key v1'),
    shareSeed: await derive(keys.dataKey, 'keyhaven ida share key v1'),
  }
}
