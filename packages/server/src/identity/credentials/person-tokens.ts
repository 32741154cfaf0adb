import { backend, utf8, Writer } from '@keyhaven/crypto'
import type { Profile } from '@keyhaven/identity'
import { createPersonTokens, type RecordKeys } from '@keyhaven/identity/service'

const KEY_LABEL = 'keyhaven person token key v1'
const KEY_BYTES = 32

/** The token by which the issuer names a person to a partner: the same for UIN and VID, another at another partner. */
export function createIssuerTokens(
  recordKeys: () => Promise<RecordKeys>,
  application: string,
  profile: Profile,
): (uin: string, partnerId: string) => Promise<string> {
  let made: Promise<ReturnType<typeof createPersonTokens>> | undefined
  const make = async () => {
    const prk = await backend.hkdfExtract(utf8(KEY_LABEL), (await recordKeys()).dataKey)
    const key = await backend.hkdfExpand(prk, new Writer().bytes8(utf8(application)).done(), KEY_BYTES)
    return createPersonTokens(key, application, profile)
  }
  return async (uin, partnerId) => {
    made ??= make()
    return (await made)({ type: 'partner', partnerId, policyId: '' }, uin)
  }
}
