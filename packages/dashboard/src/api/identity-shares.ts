import { segment } from './call-admin.ts'
import { useIdentityChange, useIdentityPages } from './identity-base.ts'

/** That data was shared, never the data. Times are ISO 8601. */
export interface Share {
  readonly id: string
  readonly policyId: string
  readonly policyVersion: number
  readonly subscriberId: string
  readonly bytes: number
  readonly state: 'live' | 'ended' | 'deleted'
  /** Reads; -1: any number. */
  readonly allowed: number
  readonly remaining: number
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
}

export type EventState = 'kept' | 'waiting' | 'delivered' | 'dead'

/** An event in the outbox of a partner, never its content. */
export interface PartnerEvent {
  readonly id: string
  /** A partner's are delivered in this order. */
  readonly sequence: number
  readonly partnerId: string
  readonly topic: string
  readonly state: EventState
  readonly attempts: number
  /** Why the last attempt failed; empty if none did. */
  readonly failure: string
  readonly createdAt: string
  readonly changedAt: string
}

/** @param state - empty: every one. */
export function useShares(applicationId: string, state: Share['state'] | '') {
  return useIdentityPages<Share>(applicationId, '/shares', { state })
}

/** @param partnerId - the whole id; empty: of every partner. */
export function usePartnerEvents(applicationId: string, state: EventState | '', partnerId: string) {
  return useIdentityPages<PartnerEvent>(applicationId, '/events', { state, partnerId })
}

/** Sends it again, in its old place. */
export function useReplayEvent(applicationId: string) {
  return useIdentityChange<string, PartnerEvent>(applicationId, (id) => ({
    path: `/events/${segment(id)}/replay`,
    body: {},
  }))
}
