import type { ReleaseFacts, ReleaseQuestion } from '@keyhaven/conversations/service'
import { sql } from 'kysely'
import { jsonRows } from '../platform/database/json-rows.ts'
import type { DbTransaction, Dialect } from '../platform/database/schema.ts'
import {
  fromDeviceColumns,
  fromKeyRow,
  fromSecretColumns,
  fromStayRow,
  splitProof,
} from './conversation-rows.ts'
import type { ConversationKeysTable } from './tables.ts'

/** A stay of the asker, beside all else that decides; a stranger has one row, without a stay. */
interface ReleaseRow extends Omit<ConversationKeysTable, 'application_id' | 'username' | 'device'> {
  readonly question: number
  readonly maker: string | null
  readonly maker_device: string | null
  readonly member: string | null
  readonly from_sequence: number
  readonly from_at: number
  readonly to_sequence: number | null
  readonly to_at: number | null
  readonly role: string
  readonly chain: number
  readonly history: string
  readonly owner: string | null
  readonly device: string
  readonly device_chain: number
  readonly profile: string
  readonly since: number
  readonly expires_at: number
  readonly ended_at: number | null
  readonly thumbprint: string | null
  readonly wrapped: string
  readonly position: number | null
  readonly proof: string | null
  readonly share: string | null
  readonly shared: string
  readonly shared_at: number
}

/**
 * Key, stays and device of many questions by one statement: nobody can be removed, and no key made, between
 * its parts. Without a key of the application there is no row at all.
 */
export async function readReleaseFacts(
  db: DbTransaction,
  dialect: Dialect,
  questions: readonly ReleaseQuestion[],
): Promise<(ReleaseFacts | undefined)[]> {
  const rows = jsonRows(
    dialect,
    'q',
    { question: 'bigint', app: 'text', key: 'text', asker: 'text', asking: 'text' },
    questions.map(({ application, key, username, device }, at) => [at, application, key, username, device]),
  )
  const found = await sql<ReleaseRow>`
    select q.question, k.id, k.conversation, k.ordinal, k.mode, k.algorithm, k.membership, k.membership_head,
      k.created_at, k.username as maker, k.device as maker_device,
      k.wrapped_key, k.master_key_id, k.stored_in, k.announcement, k.commitment, k.recipients, k.complete, k.superseded_at, k.erased_at,
      m.username as member, m.from_sequence, m.from_at, m.to_sequence, m.to_at, m.role, m.chain, m.history,
      d.username as owner, d.device, d.chain as device_chain, d.profile, d.since, d.expires_at, d.ended_at,
      r.thumbprint, r.wrapped, r.position, r.proof, s.share, s.wrapped as shared, s.shared_at
    from ${rows}
    cross join conversation_keys k
    left join conversation_members m
      on m.application_id = q.app and m.conversation = k.conversation and m.username = q.asker
    left join directory_devices d on d.application_id = q.app and d.device = q.asking
    left join conversation_recipients r
      on k.mode = 'sealed' and r.application_id = q.app and r.key_id = k.id and r.device = q.asking
    left join conversation_shares s
      on k.mode = 'sealed' and s.application_id = q.app and s.key_id = k.id and s.device = q.asking
    where k.application_id = q.app and k.id = q.key
    order by q.question, m.from_sequence`.execute(db)
  const facts: (ReleaseFacts | undefined)[] = questions.map(() => undefined)
  for (const row of found.rows) {
    const present = facts[row.question] ?? factsOf(row)
    if (row.member !== null) {
      const stay = fromStayRow({ ...row, username: row.member })
      facts[row.question] = { ...present, stays: [...present.stays, stay] }
    } else facts[row.question] = present
  }
  return facts
}

function factsOf(row: ReleaseRow): ReleaseFacts {
  return {
    key: fromKeyRow({ ...row, username: row.maker, device: row.maker_device }),
    secret: fromSecretColumns(row),
    recipient:
      row.thumbprint === null
        ? null
        : {
            thumbprint: row.thumbprint,
            wrapped: row.wrapped,
            position: row.position,
            proof: row.proof === null ? null : splitProof(row.proof),
          },
    share: row.share === null ? null : { share: row.share, wrapped: row.shared, sharedAt: row.shared_at },
    stays: [],
    device:
      row.owner === null
        ? undefined
        : fromDeviceColumns({ ...row, username: row.owner, chain: row.device_chain }),
  }
}
