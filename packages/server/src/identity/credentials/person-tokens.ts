import type { Profile } from '@keyhaven/identity'
import { createPersonTokens, type RecordKeys } from '@keyhaven/identity/service'
import { deriveRecordKey } from '../repository/record-keys.ts'

const KEY_LABEL = 'keyhaven person token key v1'

/** The token by which the issuer names a person to a partner: the same for UIN and VID, another at another partner. */
export function createIssuerTokens(
  recordKeys: () => Promise<RecordKeys>,
  application: string,
  profile: Profile,
): (uin: string, partnerId: string) => Promise<string> {
  let made: Promise<ReturnType<typeof createPersonTokens>> | undefined
  const make = async () => {
    const key = await deriveRecordKey((await recordKeys()).dataKey, KEY_LABEL, application)
    return createPersonTokens(key, application, profile)
  }
  return async (uin, partnerId) => {
    made ??= make()
    return (await made)({ type: 'partner', partnerId, policyId: '' }, uin)
  }
}
