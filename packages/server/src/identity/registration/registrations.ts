import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { Profile, RegistrationStage } from '@keyhaven/identity'
import {
  type Abis,
  type CredentialRequests,
  createKeyhavenPacketOpener,
  createMosipPacketOpener,
  createRegistrationProcessor,
  type RegistrationKeys,
  type RegistrationRepository,
  type StoredRegistration,
} from '@keyhaven/identity/service'
import type { JobRunner, JobRunnerOptions } from '../../platform/jobs/job.ts'
import type { Jobs } from '../../platform/jobs/jobs.ts'
import type { ObjectStore } from '../../platform/objects/object-store.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { createRecordKeys } from '../repository/record-keys.ts'
import { createIdSchemas, type IdSchemas } from './id-schemas.ts'
import { type CompletePacket, createPacketUploads, type PacketUploads } from './packet-uploads.ts'
import {
  addEvent,
  countStages,
  findRegistration,
  listRegistrations,
  type RegistrationEvent,
  type RegistrationPage,
  registrationHistory,
} from './registration-rows.ts'
import { createStageStore } from './stage-store.ts'
import { type StationKeys, stationKeys } from './station-keys.ts'
import { createStations, type Stations } from './stations.ts'

export const REGISTRATION_QUEUE = 'identity.registration'
const JOBS_AT_ONCE = 4

type RunOptions = Partial<Pick<JobRunnerOptions, 'concurrency' | 'lease' | 'backoff'>>

/** Registration of one application: what comes in, and how far it is. */
export interface Registrations {
  readonly stations: Stations
  readonly schemas: IdSchemas
  readonly packets: PacketUploads
  /** @throws KeyhavenError `DUPLICATE` if a packet of this registration is here and not rejected. */
  requireWanted(rid: string): Promise<void>
  find(rid: string): Promise<StoredRegistration | undefined>
  /** Newest change first. */
  list(page: RegistrationPage): Promise<readonly StoredRegistration[]>
  counts(): Promise<ReadonlyMap<RegistrationStage, number>>
  /** Oldest first. */
  history(rid: string): Promise<readonly RegistrationEvent[]>
  /** What the client of a machine works with. @throws KeyhavenError `NOT_FOUND` */
  stationKeys(refId: string): Promise<StationKeys>
  /** Works on what waits, beside the other processes. */
  run(onError: (error: unknown) => void, options?: RunOptions): JobRunner
}

export interface RegistrationOptions {
  readonly state: State
  readonly objects: ObjectStore
  readonly jobs: Jobs
  readonly applicationId: string
  readonly profile: Profile
  readonly keys: RegistrationKeys
  readonly abis: Abis
  readonly repository: RegistrationRepository
  readonly credentials: CredentialRequests
  readonly clock: () => number
}

export function openRegistrations(options: RegistrationOptions): Registrations {
  const { state, objects, jobs, applicationId, profile, keys } = options
  const stations = createStations(state, applicationId, profile)
  const schemas = createIdSchemas(state, applicationId)
  const recordKeys = createRecordKeys(state, applicationId)
  const packets = createPacketUploads(state, objects, applicationId, receive)
  const processor = createRegistrationProcessor({
    ...{ backend, applicationId, stations, operators: stations, keys, abis: options.abis },
    opener:
      profile === 'mosip'
        ? createMosipPacketOpener(backend, keys, stations, schemas)
        : createKeyhavenPacketOpener(backend, applicationId, recordKeys, stations, schemas),
    ...{ repository: options.repository, credentials: options.credentials },
    packets: { read: ({ packet, packetHash }) => packets.read(packet, packetHash) },
    tagKey: async () => (await recordKeys()).tagKey,
  })

  /** A whole packet: a new registration, or the correction of a rejected one; else it is not wanted. */
  async function receive(transaction: StateTransaction, packet: CompletePacket): Promise<boolean> {
    const { db, now } = transaction
    const { rid, refId, id, bytes, hash, actor } = packet
    const fresh = {
      ...{ ref_id: refId, stage: 'RECEIVED', reason: null, packet: id, packet_bytes: bytes },
      ...{ packet_hash: hash, officer: null, demographics: null, receipt: null, record: null },
      ...{ received_at: now, changed_at: now },
    }
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('identity_registrations')
      .values({ application_id: applicationId, rid, attempt: 1, ...fresh })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) {
      // The same packet again would be rejected again.
      const { numUpdatedRows } = await db
        .updateTable('identity_registrations')
        .set((column) => ({ ...fresh, attempt: column('attempt', '+', 1) }))
        .where('application_id', '=', applicationId)
        .where('rid', '=', rid)
        .where('stage', '=', 'REJECTED')
        .where('packet_hash', '!=', hash)
        .executeTakeFirst()
      if (numUpdatedRows !== 1n) return false
      // Compared as one who comes now: at its old place it would be before all who came meanwhile.
      await db
        .deleteFrom('identity_gallery')
        .where('application_id', '=', applicationId)
        .where('rid', '=', rid)
        .execute()
    }
    await addEvent(transaction, applicationId, rid, { stage: 'RECEIVED' })
    const entry = { actor, action: 'identity.registration.receive', applicationId, subject: rid }
    state.audit.append(transaction, { ...entry, detail: { packet: id, bytes } })
    await jobs.enqueue(transaction, {
      queue: REGISTRATION_QUEUE,
      applicationId,
      payload: { rid },
      orderKey: rid,
    })
    return true
  }

  return {
    stations,
    schemas,
    packets,
    async requireWanted(rid) {
      const present = await findRegistration(state.db, applicationId, rid)
      if (present !== undefined && present.stage !== 'REJECTED') throw received()
    },
    find: (rid) => findRegistration(state.db, applicationId, rid),
    list: (page) => listRegistrations(state.db, applicationId, page),
    counts: () => countStages(state.db, applicationId),
    stationKeys: (refId) =>
      stationKeys({ applicationId, profile, keys, recordKeys, stations, clock: options.clock }, refId),
    history: (rid) => registrationHistory(state.db, applicationId, rid),
    run: (onError, options = {}) =>
      jobs.createJobRunner({
        ...{ queue: REGISTRATION_QUEUE, concurrency: JOBS_AT_ONCE, onError, ...options },
        handler: (job) =>
          processor.process(createStageStore(state, applicationId, job), String(job.payload.rid)),
      }),
  }
}

/** Whoever sends it again learns that it is here. */
export function received(): KeyhavenError {
  return new KeyhavenError('DUPLICATE', 'a packet of this registration is here already: ask for its state')
}
