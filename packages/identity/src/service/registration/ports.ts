import type { RsaPublicKey, VerifyKey } from '@keyhaven/crypto'
import type { Bir } from '../../biometrics/bir.ts'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import type { IdSchema } from '../../packet/id-schema.ts'
import type { RegistrationStage } from '../../registration/stages.ts'
import type { IdentityRepository } from '../repository/identity-repository.ts'

/** One registration, as far as it is. Nothing in it names anybody. */
export interface StoredRegistration {
  readonly rid: string
  /** `centre_machine`. */
  readonly refId: string
  readonly stage: RegistrationStage
  /** Of a rejection: the code and the check that failed; null otherwise. */
  readonly reason: string | null
  /** Packets so far. */
  readonly attempt: number
  /** Id of the present packet. */
  readonly packet: string
  readonly packetBytes: number
  /** SHA-256, hex. */
  readonly packetHash: string
  readonly officer: string | null
  /** The processor's signature of what it verified, compact JWS; null before that. */
  readonly receipt: string | null
  /** Of the repository. */
  readonly record: string | null
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly changedAt: number
}

export interface StageChange {
  readonly stage: RegistrationStage
  readonly reason?: string
  readonly officer?: string
  /** Sealed under K11. */
  readonly demographics?: Uint8Array
  readonly receipt?: string
  readonly record?: string
}

/** Somebody who was registered earlier and may be the same. */
export interface GalleryEntry {
  readonly rid: string
  readonly position: number
  readonly hasBiometrics: boolean
  /** Whose registration it is; null: nobody's yet. */
  readonly record: string | null
}

/** The rows of a registration, for one run of its job. */
export interface StageStore {
  find(rid: string): Promise<StoredRegistration | undefined>
  /**
   * From the stage in which it was read to another, once: row, history, audit entry and, at the end, the job,
   * in one transaction.
   *
   * @throws KeyhavenError `CONFLICT` if another process has gone on with it.
   */
  advance(from: StoredRegistration, to: StageChange): Promise<StoredRegistration>
  /**
   * Takes its place among those who are compared; again, it keeps the place. Whoever has an earlier one is
   * there when this returns.
   */
  enterGallery(
    rid: string,
    demographicTag: string,
    hasBiometrics: boolean,
  ): Promise<Omit<GalleryEntry, 'record'>>
  /** Earlier ones with the same tag that are not rejected. */
  sameDemographics(tag: string, before: number): Promise<readonly GalleryEntry[]>
  /** Of these the earlier ones that are not rejected. */
  earlier(rids: readonly string[], before: number): Promise<readonly GalleryEntry[]>
}

/** A registered machine. */
export interface Station {
  /** K10, profile `mosip`. */
  readonly publicKey?: RsaPublicKey
  /** The machine's key, profile `keyhaven`. */
  readonly verifyKey?: VerifyKey
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Of machine or centre, whichever ended first; null: both are in use. */
  readonly until: number | null
}

export interface StationDirectory {
  find(refId: string): Promise<Station | undefined>
}

/** Port: what a packet must hold, by the version of the schema that it names. */
export interface SchemaDirectory {
  find(version: number): Promise<IdSchema | undefined>
  /** Whether no schema is kept at all: then packets are checked for structure only. */
  isEmpty(): Promise<boolean>
}

/** Port: who may register people. */
export interface OperatorDirectory {
  /** @param at - milliseconds since the epoch. */
  isOfficer(officer: string, at: number): Promise<boolean>
}

/** Port: an automated biometric identification system, which finds the same person among all. */
export interface Abis {
  /** Shown where a person sees its results; the built-in one says that it compares simulated biometrics. */
  readonly name: string
  /** Keeps a person's biometrics; again, they replace those of before. */
  enrol(rid: string, birs: readonly Bir[]): Promise<void>
  /** @returns registrations, others than this, that are the same person. */
  identify(rid: string, birs: readonly Bir[]): Promise<readonly string[]>
}

export interface PacketSource {
  /** @throws KeyhavenError `FILE_DAMAGED` if the object is not the one that came. */
  read(registration: StoredRegistration): Promise<Uint8Array>
}

/** K11, REGISTRATION / centre_machine, opens packets; K5, REGISTRATION_PROCESSOR, signs what was verified. */
export type RegistrationKeys = Pick<IdentityKeys, 'recipient' | 'opener' | 'certificate' | 'chain' | 'sign'>

/** The part of the repository that registrations need. */
export type RegistrationRepository = Pick<
  IdentityRepository,
  'giveUin' | 'add' | 'amend' | 'uinOfRecord' | 'retrieve' | 'history'
>

/** Port: what happens when a person is stored. The same registration again does nothing. */
export interface CredentialRequests {
  issue(person: { readonly rid: string; readonly uin: string; readonly record: string }): Promise<void>
}
