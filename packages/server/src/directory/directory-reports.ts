import type { WitnessConfig } from '../platform/config/config.ts'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import { decodeCursor, encodeCursor } from '../platform/http/page-cursor.ts'
import { witnessName } from './log/witness-pusher.ts'
import type { DirectoryDevicesTable } from './tables.ts'

export interface ExpiringPage {
  readonly cursor?: string | undefined
  readonly limit: number
  /** Milliseconds. */
  readonly now: number
  /** Records that end before this time, and not before {@link ExpiringPage.from}. */
  readonly before: number
  readonly from: number
}

/** How many devices of each user are valid now. */
export async function countValidDevices(
  db: Db,
  applicationId: string,
  usernames: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, number>> {
  if (usernames.length === 0) return new Map()
  const rows = await db
    .selectFrom('directory_devices')
    .select(['username', ({ fn }) => fn.countAll<number | string>().as('devices')])
    .where('application_id', '=', applicationId)
    .where('username', 'in', usernames)
    .where('not_before', '<=', now)
    .where('expires_at', '>', now)
    .where((where) => where.or([where('ended_at', 'is', null), where('ended_at', '>', now)]))
    .groupBy('username')
    .execute()
  return new Map(rows.map((row) => [row.username, Number(row.devices)]))
}

/** Devices that are not ended and whose record ends between two times, the nearest end first. */
export async function listExpiringDevices(
  db: Db,
  applicationId: string,
  page: ExpiringPage,
): Promise<{ items: readonly DirectoryDevicesTable[]; nextCursor: string | null }> {
  const [at, after] = page.cursor === undefined ? [] : decodeCursor(page.cursor, 'number', 'text')
  const rows = await db
    .selectFrom('directory_devices')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('expires_at', '>=', page.from)
    .where('expires_at', '<', page.before)
    .where((where) => where.or([where('ended_at', 'is', null), where('ended_at', '>', page.now)]))
    .$if(at !== undefined, (query) =>
      query.where((where) =>
        where.or([
          where('expires_at', '>', Number(at)),
          where.and([where('expires_at', '=', Number(at)), where('device', '>', String(after))]),
        ]),
      ),
    )
    .orderBy('expires_at')
    .orderBy('device')
    .limit(page.limit + 1)
    .execute()
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  const nextCursor = rows.length > page.limit && last ? encodeCursor([last.expires_at, last.device]) : null
  return { items, nextCursor }
}

/** All rows of a user's devices, those of former chains too. */
export async function listDevicesOf(
  db: Db | DbTransaction,
  applicationId: string,
  username: string,
): Promise<readonly DirectoryDevicesTable[]> {
  return db
    .selectFrom('directory_devices')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('username', '=', username)
    .orderBy('not_before')
    .orderBy('device')
    .execute()
}

/** When each configured witness cosigned the log last; milliseconds. */
export async function listWitnesses(
  db: Db,
  applicationId: string,
  witnesses: readonly WitnessConfig[],
): Promise<ReadonlyArray<{ readonly name: string; readonly lastCosignedAt: number | null }>> {
  const rows = await db
    .selectFrom('log_cosignatures')
    .select(['witness', 'cosigned_at'])
    .where('application_id', '=', applicationId)
    .execute()
  const cosigned = new Map(rows.map((row) => [row.witness, row.cosigned_at]))
  return witnesses.map(witnessName).map((name) => ({ name, lastCosignedAt: cosigned.get(name) ?? null }))
}
