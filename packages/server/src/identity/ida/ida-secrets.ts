import { backend, utf8, Writer } from '@keyhaven/crypto'
import type { AuthenticationSecrets, RecordKeys } from '@keyhaven/identity/service'

const KEY_BYTES = 32

/** Keys that follow from the kept ones of an application, one for each use. */
export interface IdaSecrets extends AuthenticationSecrets {
  /** Wraps the key of {@link PartnerKey}. */
  readonly partnerWrapKey: Uint8Array
  /** Seed of the HPKE key (x-wing) that shares of profile `keyhaven` are sealed to. */
  readonly shareSeed: Uint8Array
}

export async function deriveIdaSecrets(keys: RecordKeys, application: string): Promise<IdaSecrets> {
  const derive = async (secret: Uint8Array, label: string): Promise<Uint8Array> => {
    const prk = await backend.hkdfExtract(utf8(label), secret)
    return backend.hkdfExpand(prk, new Writer().bytes8(utf8(application)).done(), KEY_BYTES)
  }
  return {
    tokenKey: await derive(keys.dataKey, 'keyhaven ida token key v1'),
    subjectKey: await derive(keys.tagKey, 'keyhaven ida subject key v1'),
    requestKey: await derive(keys.dataKey, 'keyhaven ida request key v1'),
    partnerWrapKey: await derive(keys.dataKey, 'keyhaven ida partner key v1'),
    shareSeed: await derive(keys.dataKey, 'keyhaven ida share key v1'),
  }
}
