import { randomUUID } from 'node:crypto'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Db, DbTransaction } from '../platform/database/schema.ts'
import type { State } from '../platform/state/state.ts'

const MS_PER_DAY = 86_400_000
/** Messages are handed on, not kept: whoever has not fetched one by then asks its sender. */
export const MAILBOX_DAYS = 30
/** Messages that wait for one user; a sender learns that the mailbox is full. */
export const MAX_WAITING_MESSAGES = 10_000
/** Of them, from one user: nobody can fill another's mailbox alone. */
export const MAX_WAITING_FROM_ONE = MAX_WAITING_MESSAGES / 2
const PRUNE_ROWS = 5_000

export interface NewMessage {
  readonly from: { readonly username: string; readonly device: string }
  /** A username: a message is for one user. The sender gets a copy for the other devices. */
  readonly to: string
  readonly envelope: string
}

export interface MailboxMessage {
  readonly cursor: number
  readonly id: string
  readonly from: { readonly username: string; readonly device: string }
  readonly envelope: string
  /** Milliseconds. */
  readonly receivedAt: number
}

export interface MailboxStore {
  /**
   * @throws KeyhavenError `NOT_FOUND` if the user is not there, `RATE_LIMITED` if a mailbox is full, or half full of
   *   the sender's.
   */
  add(applicationId: string, message: NewMessage): Promise<{ id: string; receivedAt: number }>
  /** Oldest first, those after `after`; all of them if the mailbox is not that far any more. */
  list(
    applicationId: string,
    username: string,
    after: number,
    limit: number,
  ): Promise<readonly MailboxMessage[]>
  /** Number of each user's newest message. */
  heads(
    users: ReadonlyArray<{ applicationId: string; username: string }>,
  ): Promise<ReadonlyMap<string, number>>
  /** Deletes what is too old. */
  prune(now: number): Promise<void>
}

/** A user's name in {@link MailboxStore.heads}. */
export function mailboxOf(applicationId: string, username: string): string {
  return `${applicationId} ${username}`
}

export function createMailboxStore(state: State): MailboxStore {
  const { db } = state
  return {
    add: (applicationId, { from, to, envelope }) =>
      state.transaction(async ({ db: transaction, now }) => {
        // In the order of their names, so that two senders never wait for each other.
        const recipients = [...new Set([to, from.username])].sort()
        const known = await transaction
          .selectFrom('directory_users')
          .select('username')
          .where('application_id', '=', applicationId)
          .where('username', 'in', recipients)
          .execute()
        if (known.length !== recipients.length) throw new KeyhavenError('NOT_FOUND', 'to: no such user')
        const id = randomUUID()
        await transaction
          .insertInto('mailbox_messages')
          .values({
            application_id: applicationId,
            id,
            from_username: from.username,
            from_device: from.device,
            envelope,
            received_at: now,
          })
          .execute()
        for (const username of recipients) {
          // The row stays locked to the end, so numbers become visible in their order.
          const { cursor } = await transaction
            .insertInto('mailbox_heads')
            .values({ application_id: applicationId, username, cursor: 1 })
            .onConflict((conflict) =>
              conflict
                .columns(['application_id', 'username'])
                .doUpdateSet((column) => ({ cursor: column('mailbox_heads.cursor', '+', 1) })),
            )
            .returning('cursor')
            .executeTakeFirstOrThrow()
          const oldest = await transaction
            .selectFrom('mailbox_deliveries')
            .select('cursor')
            .where('application_id', '=', applicationId)
            .where('username', '=', username)
            .orderBy('cursor')
            .limit(1)
            .executeTakeFirst()
          if (oldest !== undefined && cursor - oldest.cursor >= MAX_WAITING_MESSAGES) {
            throw new KeyhavenError('RATE_LIMITED', 'to: the mailbox of a recipient is full')
          }
          if (
            oldest !== undefined &&
            username !== from.username &&
            cursor - oldest.cursor >= MAX_WAITING_FROM_ONE &&
            (await countWaiting(transaction, applicationId, username, from.username)) >= MAX_WAITING_FROM_ONE
          ) {
            throw new KeyhavenError('RATE_LIMITED', 'to: too many messages of yours wait for a recipient')
          }
          await transaction
            .insertInto('mailbox_deliveries')
            .values({ application_id: applicationId, username, cursor, message_id: id, received_at: now })
            .execute()
        }
        return { id, receivedAt: now }
      }),

    async list(applicationId, username, after, limit) {
      const found = await listAfter(db, applicationId, username, after, limit)
      if (found.length > 0 || after === 0) return found
      const head = await db
        .selectFrom('mailbox_heads')
        .select('cursor')
        .where('application_id', '=', applicationId)
        .where('username', '=', username)
        .executeTakeFirst()
      // A reader who is further than the mailbox has read it before the database was set back: nothing may be missed.
      return (head?.cursor ?? 0) < after ? listAfter(db, applicationId, username, 0, limit) : found
    },

    async heads(users) {
      if (users.length === 0) return new Map()
      const rows = await db
        .selectFrom('mailbox_heads')
        .selectAll()
        .where((where) =>
          where.or(
            users.map(({ applicationId, username }) =>
              where.and([where('application_id', '=', applicationId), where('username', '=', username)]),
            ),
          ),
        )
        .execute()
      return new Map(rows.map((row) => [mailboxOf(row.application_id, row.username), row.cursor]))
    },

    async prune(now) {
      const before = now - MAILBOX_DAYS * MS_PER_DAY
      for (const table of ['mailbox_deliveries', 'mailbox_messages'] as const) {
        for (;;) {
          const rows = await db
            .selectFrom(table)
            .select('received_at')
            .where('received_at', '<', before)
            .orderBy('received_at')
            .limit(PRUNE_ROWS)
            .execute()
          const last = rows.at(-1)
          if (last === undefined) break
          await db.deleteFrom(table).where('received_at', '<=', last.received_at).execute()
        }
      }
    },
  }
}

async function listAfter(
  db: Db,
  applicationId: string,
  username: string,
  after: number,
  limit: number,
): Promise<readonly MailboxMessage[]> {
  const rows = await db
    .selectFrom('mailbox_deliveries')
    .innerJoin('mailbox_messages', (join) =>
      join
        .onRef('mailbox_messages.application_id', '=', 'mailbox_deliveries.application_id')
        .onRef('mailbox_messages.id', '=', 'mailbox_deliveries.message_id'),
    )
    .select(['cursor', 'id', 'from_username', 'from_device', 'envelope', 'mailbox_messages.received_at'])
    .where('mailbox_deliveries.application_id', '=', applicationId)
    .where('mailbox_deliveries.username', '=', username)
    .where('cursor', '>', after)
    .orderBy('cursor')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    cursor: row.cursor,
    id: row.id,
    from: { username: row.from_username, device: row.from_device },
    envelope: row.envelope,
    receivedAt: row.received_at,
  }))
}

/** Asked only of a mailbox that is half full: it reads all of it. */
async function countWaiting(
  db: DbTransaction,
  applicationId: string,
  username: string,
  from: string,
): Promise<number> {
  const { waiting } = await db
    .selectFrom('mailbox_deliveries')
    .innerJoin('mailbox_messages', (join) =>
      join
        .onRef('mailbox_messages.application_id', '=', 'mailbox_deliveries.application_id')
        .onRef('mailbox_messages.id', '=', 'mailbox_deliveries.message_id'),
    )
    .select(({ fn }) => fn.countAll<number | string>().as('waiting'))
    .where('mailbox_deliveries.application_id', '=', applicationId)
    .where('username', '=', username)
    .where('from_username', '=', from)
    .executeTakeFirstOrThrow()
  return Number(waiting)
}
