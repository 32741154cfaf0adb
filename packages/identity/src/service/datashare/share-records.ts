import type { Profile } from '../../profile.ts'

/** A share: its bytes are in the object store. Times: milliseconds since the epoch. */
export interface Share {
  /** 128 random bits, base64url: names the object. */
  readonly id: string
  /** The last part of its address; MOSIP's randomShareKey. */
  readonly shareKey: string
  readonly policyId: string
  readonly policyVersion: number
  readonly subscriberId: string
  /** What it is sealed to: SHA-256 of the subscriber's certificate, hex; empty if it is not encrypted. */
  readonly certificateId: string
  readonly profile: Profile
  /** As stored. */
  readonly bytes: number
  /** Header `Signature`; empty in profile `keyhaven`. */
  readonly signature: string
  readonly state: 'live' | 'ended' | 'deleted'
  /** -1: any number. */
  readonly allowed: number
  /** Reads left; -1: any number. */
  readonly remaining: number
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
}
