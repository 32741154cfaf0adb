import { KeyhavenError } from '@keyhaven/crypto'
import type { Partner } from './partner-records.ts'

/** Who calls: an operator who manages partners, or somebody of a partner's organisation. */
export interface PartnerCaller {
  readonly actor: string
  /** Undefined: an operator, of all organisations. */
  readonly organisation?: string
}

/** What an organisation does not own it cannot tell from what does not exist. */
export function requireOwn(caller: PartnerCaller, partner: Partner | undefined, id: string): Partner {
  if (
    partner === undefined ||
    (caller.organisation !== undefined && caller.organisation !== partner.organisation)
  ) {
    throw new KeyhavenError('NOT_FOUND', `there is no partner ${id}`)
  }
  return partner
}

/** @throws KeyhavenError `ACCESS_DENIED` */
export function requireManager(caller: PartnerCaller): void {
  if (caller.organisation !== undefined) {
    throw new KeyhavenError('ACCESS_DENIED', 'only a partner manager decides this')
  }
}
