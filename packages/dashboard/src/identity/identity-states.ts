import type { PartnerCertificate, PartnerState, Subscription } from '../api/identity-partners.ts'
import type { Policy } from '../api/identity-policies.ts'
import type { RegistrationStage } from '../api/identity-registrations.ts'
import type { EventState, Share } from '../api/identity-shares.ts'
import type { Backfill } from '../api/identity-vault.ts'

/** How a state is shown. */
export interface StateLook {
  readonly label: string
  readonly colour: string
  /** Shows on hover. */
  readonly meaning: string
}

export const STAGES: Readonly<Record<RegistrationStage, StateLook>> = {
  RECEIVED: { label: 'Received', colour: 'gray', meaning: 'The packet is stored as it came' },
  VERIFIED: {
    label: 'Verified',
    colour: 'blue',
    meaning: 'Signature, machine, centre and officer are right',
  },
  DEDUPLICATED: {
    label: 'Deduplicated',
    colour: 'blue',
    meaning: 'Compared with everybody who is registered',
  },
  UIN_GIVEN: { label: 'Number given', colour: 'blue', meaning: 'The person has a number' },
  STORED: { label: 'Stored', colour: 'cyan', meaning: 'The identity is in the repository' },
  CREDENTIALS_ISSUED: { label: 'Complete', colour: 'green', meaning: 'Credentials are ordered: all is done' },
  REJECTED: { label: 'Rejected', colour: 'red', meaning: 'A check failed; nothing more happens by itself' },
}

export const PARTNER_STATES: Readonly<Record<PartnerState, StateLook>> = {
  requested: { label: 'Waits', colour: 'orange', meaning: 'Registered; gets nothing before it is active' },
  active: { label: 'Active', colour: 'green', meaning: 'Gets what its policies allow' },
  inactive: {
    label: 'Inactive',
    colour: 'gray',
    meaning: 'Gets nothing, whatever it has, until it is activated',
  },
}

export const CERTIFICATE_STATES: Readonly<Record<PartnerCertificate['state'] | 'expired', StateLook>> = {
  active: { label: 'In use', colour: 'green', meaning: 'Its chain is checked again at each use' },
  expired: { label: 'Expired', colour: 'red', meaning: 'The partner must upload a new one' },
  replaced: { label: 'Replaced', colour: 'gray', meaning: 'A newer one came' },
  revoked: { label: 'Revoked', colour: 'red', meaning: 'Refused for ever' },
}

export const SUBSCRIPTION_STATES: Readonly<Record<Subscription['state'], StateLook>> = {
  requested: { label: 'Waits', colour: 'orange', meaning: 'A partner manager decides' },
  approved: { label: 'Approved', colour: 'green', meaning: 'The partner may use the policy' },
  refused: { label: 'Refused', colour: 'red', meaning: 'The partner may ask again' },
  ended: { label: 'Ended', colour: 'gray', meaning: 'It was approved once' },
}

export const POLICY_STATES: Readonly<Record<Policy['state'], StateLook>> = {
  draft: { label: 'Draft', colour: 'orange', meaning: 'Never published: nobody can use it' },
  active: { label: 'Active', colour: 'green', meaning: 'What is published counts' },
  inactive: { label: 'Inactive', colour: 'gray', meaning: 'Whoever has it gets nothing by it' },
}

export const EVENT_STATES: Readonly<Record<EventState, StateLook>> = {
  kept: { label: 'Kept', colour: 'gray', meaning: 'The partner has no webhook yet' },
  waiting: { label: 'Waits', colour: 'blue', meaning: 'It is sent, or tried again later' },
  delivered: { label: 'Delivered', colour: 'green', meaning: 'The webhook took it' },
  dead: { label: 'Dead', colour: 'red', meaning: 'It was tried too often' },
}

export const KEY_STATES = {
  active: { label: 'Active', colour: 'green', meaning: 'The partner can call with it' },
  expired: { label: 'Expired', colour: 'orange', meaning: 'Issue a new one' },
  revoked: { label: 'Revoked', colour: 'gray', meaning: 'Refused for ever' },
} as const satisfies Readonly<Record<string, StateLook>>

const SHARE_STATES = {
  live: { label: 'Live', colour: 'green', meaning: 'It can be read' },
  spent: { label: 'Spent', colour: 'gray', meaning: 'Every allowed read was used' },
  expired: { label: 'Expired', colour: 'gray', meaning: 'Its time is over' },
  ended: {
    label: 'Ended early',
    colour: 'orange',
    meaning: 'It was revoked, or partner, policy or certificate changed',
  },
} as const satisfies Readonly<Record<string, StateLook>>

/** @param now - milliseconds since the epoch: when the list was read. */
export function shareState({ state, allowed, remaining, expiresAt }: Share, now: number): StateLook {
  if (allowed >= 0 && remaining <= 0) return SHARE_STATES.spent
  if (Date.parse(expiresAt) <= now) return SHARE_STATES.expired
  return state === 'live' ? SHARE_STATES.live : SHARE_STATES.ended
}

export const BACKFILL_STATES: Readonly<Record<Backfill['state'], StateLook>> = {
  running: { label: 'Goes on', colour: 'blue', meaning: 'Credentials are ordered page by page' },
  done: { label: 'Done', colour: 'green', meaning: 'Everybody was gone through' },
  stopped: { label: 'Stopped', colour: 'gray', meaning: 'The IDA may not have them any more' },
}
