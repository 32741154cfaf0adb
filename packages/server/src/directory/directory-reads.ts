import type { DirectoryReads } from '@keyhaven/directory/service'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import { fromDeviceRow, fromEntryRow, fromUserRow } from './directory-rows.ts'

/** Users, entries and devices of one application, inside a transaction or outside. */
export function createDirectoryReads(db: Db | DbTransaction, applicationId: string): DirectoryReads {
  return {
    async findUser(username) {
      const row = await db
        .selectFrom('directory_users')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .executeTakeFirst()
      return row && fromUserRow(row)
    },
    async entries(username, after, limit) {
      const rows = await db
        .selectFrom('directory_entries')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .where('sequence', '>', after)
        .orderBy('sequence')
        .$if(limit !== undefined, (query) => query.limit(Number(limit)))
        .execute()
      return rows.map(fromEntryRow)
    },
    async findDevice(device) {
      const row = await db
        .selectFrom('directory_devices')
        .selectAll()
        .where('application_id', '=', applicationId)
        .where('device', '=', device)
        .executeTakeFirst()
      return row && fromDeviceRow(row)
    },
  }
}
