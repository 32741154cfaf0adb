import { segment } from './call-admin.ts'
import { useIdentityPages, useIdentityRecord } from './identity-base.ts'

export const REGISTRATION_STAGES = [
  'RECEIVED',
  'VERIFIED',
  'DEDUPLICATED',
  'UIN_GIVEN',
  'STORED',
  'CREDENTIALS_ISSUED',
  'REJECTED',
] as const
export type RegistrationStage = (typeof REGISTRATION_STAGES)[number]

/** A registration as operators see it: nothing of the person. Times are ISO 8601. */
export interface Registration {
  readonly rid: string
  /** CENTRE_MACHINE. */
  readonly refId: string
  readonly stage: RegistrationStage
  /** Of a rejection: the check that failed. */
  readonly reason: string | null
  /** Packets so far. */
  readonly attempt: number
  readonly packetBytes: number
  /** SHA-256, hex. */
  readonly packetHash: string
  readonly officer: string | null
  readonly receivedAt: string
  readonly changedAt: string
}

export interface StageReached {
  readonly stage: RegistrationStage
  readonly reason: string | null
  readonly at: string
}

export interface RegistrationDetails extends Registration {
  /** Oldest first. */
  readonly history: readonly StageReached[]
}

export interface Centre {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  /** Null: it is open. */
  readonly closedAt: string | null
}

export interface Machine {
  readonly centre: string
  readonly id: string
  /** SHA-256 of its public key, with colons. */
  readonly keyIndex: string
  readonly createdAt: string
  readonly endedAt: string | null
}

/** The newest change first. @param stage - empty: every one. */
export function useRegistrations(applicationId: string, stage: RegistrationStage | '') {
  return useIdentityPages<Registration>(applicationId, '/registrations', { stage })
}

export function useRegistrationCounts(applicationId: string) {
  return useIdentityRecord<{ readonly counts: Readonly<Record<RegistrationStage, number>> }>(
    applicationId,
    '/registrations/counts',
  )
}

export function useRegistration(applicationId: string, rid: string) {
  return useIdentityRecord<RegistrationDetails>(applicationId, `/registrations/${segment(rid)}`)
}

export function useCentres(applicationId: string) {
  return useIdentityRecord<{ readonly items: readonly Centre[] }>(applicationId, '/centres')
}

export function useMachines(applicationId: string) {
  return useIdentityRecord<{ readonly items: readonly Machine[] }>(applicationId, '/machines')
}
