import { KeyhavenError } from '@keyhaven/crypto'
import {
  type AuthoritiesUpdate,
  CA_CERTIFICATE_UPLOADED,
  PARTNER_UPDATED,
  type PartnerUpdate,
} from '../../authentication/partner-update.ts'
import type { EventModel } from '../../events/event-model.ts'
import { KERNEL_SIGN } from '../../keys/key-tree.ts'
import type { JwsTrust } from '../../mosip/jws.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { verifyChain } from '../../x509/verify-chain.ts'
import { commonNameOf } from '../keys/trusted-keys.ts'
import type { AuthenticationStore } from './ports.ts'

/** What became of an event. */
export type UpdateResult = 'imported' | 'older'

/**
 * Takes an event about partners or authorities. Its signature has been verified: it is the issuer's word, and
 * its form is what is looked at here.
 *
 * @returns undefined for an event about something else.
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export async function importUpdate(
  store: Pick<AuthenticationStore, 'savePartner' | 'saveAuthorities'>,
  { topic, event }: EventModel,
): Promise<UpdateResult | undefined> {
  const name = topic.slice(topic.indexOf('/') + 1)
  if (name === PARTNER_UPDATED) {
    return resultOf(await store.savePartner(requirePartner(event.data)))
  }
  if (name === CA_CERTIFICATE_UPLOADED) {
    return resultOf(await store.saveAuthorities(requireAuthorities(event.data)))
  }
  return undefined
}

function resultOf(saved: boolean): UpdateResult {
  return saved ? 'imported' : 'older'
}

function requirePartner(data: Readonly<Record<string, unknown>>): PartnerUpdate {
  const { sequence, partner, policies, apiKeys, licences } = data as unknown as PartnerUpdate
  const fits =
    Number.isSafeInteger(sequence) &&
    typeof partner?.id === 'string' &&
    typeof partner.active === 'boolean' &&
    [policies, apiKeys, licences].every(Array.isArray)
  if (!fits) throw new KeyhavenError('WIRE_MALFORMED', 'event about a partner')
  return data as unknown as PartnerUpdate
}

function requireAuthorities(data: Readonly<Record<string, unknown>>): AuthoritiesUpdate {
  const { sequence, authorities, revoked } = data as unknown as AuthoritiesUpdate
  if (!Number.isSafeInteger(sequence) || !Array.isArray(authorities) || !Array.isArray(revoked)) {
    throw new KeyhavenError('WIRE_MALFORMED', 'event about authorities')
  }
  return data as unknown as AuthoritiesUpdate
}

/**
 * Accepts what the issuer's signing key (K4) has signed: its certificate leads to the root (K1) that this IDA
 * was given, and is the one that the subject names.
 *
 * @param root - undefined: no issuer is trusted yet.
 * @param clock - milliseconds since the epoch.
 */
export function issuerTrust(root: () => Promise<Certificate | undefined>, clock: () => number): JwsTrust {
  return {
    async trust([leaf, ...intermediates]) {
      const anchor = await root()
      if (anchor === undefined) throw new KeyhavenError('CERTIFICATE_INVALID', 'no issuer is trusted yet')
      const anchors = [anchor]
      const revoked = () => false
      await verifyChain(leaf, { intermediates, anchors, at: clock(), revoked, usage: 'sign' })
      // The root stands above other keys too, with which services have signed what they want.
      if (leaf.isCa || leaf.commonName !== commonNameOf(KERNEL_SIGN)) {
        throw new KeyhavenError('CERTIFICATE_INVALID', 'it is not the issuer’s signing key')
      }
    },
  }
}
