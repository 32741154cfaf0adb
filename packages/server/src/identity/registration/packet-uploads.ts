import { createHash } from 'node:crypto'
import { backend, KeyhavenError, randomId } from '@keyhaven/crypto'
import { MAX_PACKET_BYTES, parsePacketFileName } from '@keyhaven/identity'
import type { Selectable } from 'kysely'
import { UNFINISHED_MS } from '../../files/tidy-files.ts'
import { createUploadRows, type StoredUpload, type UploadState } from '../../files/upload-rows.ts'
import { createUploads, type UploadPlace } from '../../files/uploads.ts'
import type { ObjectStore } from '../../platform/objects/object-store.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { IdentityPacketsTable } from './tables.ts'

const PACKET_ID_BYTES = 16
/** That one caller may have open at once. */
const MAX_OPEN_PACKETS = 50
const TABLES = { uploads: 'identity_packets', parts: 'identity_packet_parts' } as const

const PLACE: UploadPlace = {
  object: ({ applicationId, id }) => `packets/${applicationId}/${id}`,
  tails: ({ applicationId, id }) => `packet-tails/${applicationId}/${id}`,
}

/** A packet on its way in, or as it came. */
export interface StoredPacket extends StoredUpload {
  readonly rid: string
  readonly refId: string
  readonly actor: string
}

/** A packet whose bytes are all there. */
export interface CompletePacket extends StoredPacket {
  /** SHA-256, hex. */
  readonly hash: string
}

export interface PacketUploads {
  newId(): string
  /**
   * @param fileName - `<RID>-<centre_machine>-<yyyyMMddHHmmss>.zip`.
   * @throws KeyhavenError `PACKET_INVALID`, `WIRE_TOO_LARGE`, `RATE_LIMITED`.
   */
  create(packet: { id: string; fileName: string; bytes: number; actor: string }): Promise<StoredPacket>
  find(id: string): Promise<StoredPacket | undefined>
  /** As it is, after what a crash left undone was done. */
  settle(packet: StoredPacket): Promise<StoredPacket>
  append(packet: StoredPacket, body: Uint8Array): Promise<number>
  remove(packet: StoredPacket): Promise<void>
  /** The whole packet. @throws KeyhavenError `FILE_DAMAGED` if it is not the one that came. */
  read(id: string, hash: string): Promise<Uint8Array>
  /** Gives up what nobody goes on with, and ends deletions. @returns how many. */
  tidy(now: number): Promise<number>
}

/**
 * Packets in the object store, as they came.
 *
 * @param onComplete - in the transaction that makes one whole; if it returns false, the packet is not wanted and goes.
 */
export function createPacketUploads(
  state: State,
  objects: ObjectStore,
  applicationId: string,
  onComplete: (transaction: StateTransaction, packet: CompletePacket) => Promise<boolean>,
): PacketUploads {
  const rows = createUploadRows<StoredPacket>(state, TABLES, {
    async onComplete(transaction, packet) {
      if (await onComplete(transaction, packet as CompletePacket)) return
      await transaction.db
        .updateTable('identity_packets')
        .set({ state: 'deleting' })
        .where('application_id', '=', applicationId)
        .where('id', '=', packet.id)
        .execute()
    },
  })
  const hashed = async (packet: StoredPacket): Promise<CompletePacket> => {
    const hash = createHash('sha256')
    for await (const chunk of await streamOf(packet)) hash.update(chunk)
    return { ...packet, hash: hash.digest('hex') }
  }
  const streamOf = async (packet: Pick<StoredPacket, 'applicationId' | 'id'>) => {
    const stream = await objects.read(PLACE.object(packet as StoredPacket))
    if (stream === undefined) throw damaged()
    return stream
  }
  const store = { ...rows, complete: async (packet: StoredPacket) => rows.complete(await hashed(packet)) }
  const uploads = createUploads<StoredPacket>(store, objects, PLACE)

  const find = async (id: string): Promise<StoredPacket | undefined> => {
    const row = await state.db
      .selectFrom('identity_packets')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && packetOf(row)
  }

  return {
    newId: () => randomId(backend, PACKET_ID_BYTES),
    find,

    async create({ id, fileName, bytes, actor }) {
      const { id: rid, refId } = parsePacketFileName(fileName)
      if (bytes > MAX_PACKET_BYTES) {
        throw new KeyhavenError('WIRE_TOO_LARGE', `a packet has at most ${MAX_PACKET_BYTES} bytes`)
      }
      return state.transaction(async ({ db, now }) => {
        const { open } = await db
          .selectFrom('identity_packets')
          .select(({ fn }) => fn.countAll<number | string>().as('open'))
          .where('application_id', '=', applicationId)
          .where('state', 'in', ['uploading', 'completing'])
          .where('actor', '=', actor)
          .executeTakeFirstOrThrow()
        if (Number(open) >= MAX_OPEN_PACKETS) {
          throw new KeyhavenError('RATE_LIMITED', 'too many unfinished packets: finish or delete one')
        }
        const row = {
          ...{ application_id: applicationId, id, rid, ref_id: refId, actor, state: 'uploading', bytes },
          ...{ received: 0, upload: '', tail: '', tail_bytes: 0, created_at: now, changed_at: now },
        }
        await db.insertInto('identity_packets').values(row).execute()
        return packetOf(row)
      })
    },

    async settle(packet) {
      if (packet.state !== 'completing') return packet
      await uploads.finish(packet)
      return (await find(packet.id))!
    },

    append: (packet, body) => uploads.append(packet, body),
    remove: (packet) => uploads.remove(packet),

    async read(id, hash) {
      const chunks: Uint8Array[] = []
      for await (const chunk of await streamOf({ applicationId, id })) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (createHash('sha256').update(bytes).digest('hex') !== hash) throw damaged()
      return bytes
    },

    async tidy(now) {
      let tidied = 0
      const found = await state.db
        .selectFrom('identity_packets')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('state', '!=', 'complete')
        .where('changed_at', '<', now - UNFINISHED_MS)
        .execute()
      for (const row of found) {
        const packet = packetOf(row)
        if (packet.state === 'completing') await uploads.finish(packet)
        else await uploads.remove(packet)
        tidied++
      }
      return tidied
    },
  }
}

function packetOf(row: Selectable<IdentityPacketsTable>): StoredPacket {
  return {
    applicationId: row.application_id,
    id: row.id,
    rid: row.rid,
    refId: row.ref_id,
    actor: row.actor,
    state: row.state as UploadState,
    bytes: row.bytes,
    received: row.received,
    upload: row.upload,
    tail: row.tail,
    tailBytes: row.tail_bytes,
    createdAt: row.created_at,
  }
}

function damaged(): KeyhavenError {
  return new KeyhavenError('FILE_DAMAGED', 'the stored packet is lost, or not the one that came')
}
