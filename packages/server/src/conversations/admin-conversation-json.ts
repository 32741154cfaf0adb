import { z } from '@hono/zod-openapi'
import type { ExportedKey, StoredExport, StoredKey, StoredStay } from '@keyhaven/conversations/service'
import { timeSchema } from '../platform/http/schemas.ts'
import type { ConversationReport } from './admin-conversation-reports.ts'
import { receiptSchema } from './conversation-schemas.ts'

const MS_PER_SECOND = 1_000
const time = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))

const roleSchema = z.enum(['owner', 'admin', 'member', 'reader'])

export const reportSchema = z
  .object({
    id: z.string(),
    mode: z.enum(['managed', 'sealed']),
    members: z.int(),
    sequence: z.int().openapi({ description: 'Of the newest membership entry' }),
    head: z.string(),
    createdAt: timeSchema,
    createdBy: z.string(),
    changedAt: timeSchema,
    retentionDays: z.int().nullable(),
    currentKey: z.object({ id: z.string(), createdAt: timeSchema }).nullable(),
    keys: z.int().openapi({ description: 'Ever made' }),
    receipts: z.int(),
    fileBytes: z.int().openapi({ description: 'Storage that the files take' }),
  })
  .openapi('Conversation')

export const exportSchema = z
  .object({
    id: z.string(),
    conversation: z.string(),
    reason: z.string(),
    from: timeSchema.nullable(),
    to: timeSchema.nullable(),
    state: z.enum(['pending', 'approved', 'downloaded']),
    requestedBy: z.string(),
    requestedAt: timeSchema,
    approvedBy: z.string().nullable(),
    approvedAt: timeSchema.nullable(),
    downloadedAt: timeSchema.nullable(),
  })
  .openapi('ConversationExport')

export const detailSchema = reportSchema
  .extend({
    history: z.object({ members: z.union([z.enum(['all', 'joined']), z.int()]), devices: z.string() }),
    rotation: z.object({ maxAge: z.int().nullable(), maxMessages: z.int().nullable() }),
    people: z.array(
      z.object({
        username: z.string(),
        role: roleSchema,
        since: timeSchema,
        until: timeSchema.nullable().openapi({ description: 'Null: a member now' }),
      }),
    ),
    newestKeys: z.array(
      z.object({
        id: z.string(),
        mode: z.string(),
        membership: z.int(),
        createdAt: timeSchema,
        createdBy: z.string().openapi({ description: 'server, or USERNAME/DEVICE' }),
        recipients: z.int(),
        complete: z.boolean(),
        supersededAt: timeSchema.nullable(),
        erasedAt: timeSchema.nullable(),
      }),
    ),
    exports: z.array(exportSchema),
  })
  .openapi('ConversationDetail')

export const exportedKeySchema = z.object({
  id: z.string(),
  algorithm: z.string(),
  membership: z.object({ sequence: z.int(), head: z.string() }),
  createdAt: timeSchema,
  key: z.string().openapi({ description: '32 bytes, base64url' }),
  receipt: receiptSchema,
})

export function reportJson(report: ConversationReport) {
  const { conversation, members, keys, receipts, keyMadeAt, fileBytes } = report
  const { id, mode, sequence, head, createdAt, createdBy, changedAt, retention, currentKey } = conversation
  return {
    ...{ id, mode, members, sequence, head, createdBy, keys, receipts, fileBytes },
    createdAt: time(createdAt),
    changedAt: time(changedAt),
    retentionDays: retention,
    currentKey: currentKey === null ? null : { id: currentKey, createdAt: time(keyMadeAt ?? createdAt) },
  }
}

export function stayJson({ username, role, fromAt, toAt }: StoredStay) {
  return {
    ...{ username, role },
    since: time(fromAt * MS_PER_SECOND),
    until: timeOrNull(toAt === null ? null : toAt * MS_PER_SECOND),
  }
}

export function keyJson(key: StoredKey) {
  const { id, mode, membership, createdBy, recipients, complete } = key
  return {
    ...{ id, mode, recipients, complete },
    membership: membership.sequence,
    createdBy: createdBy === null ? 'server' : `${createdBy.username}/${createdBy.device}`,
    createdAt: time(key.createdAt),
    supersededAt: timeOrNull(key.supersededAt),
    erasedAt: timeOrNull(key.erasedAt),
  }
}

export function exportJson(row: StoredExport) {
  const { id, conversation, reason, requestedBy, approvedBy } = row
  const open = row.approvedBy === null ? ('pending' as const) : ('approved' as const)
  return {
    ...{ id, conversation, reason, requestedBy, approvedBy },
    from: timeOrNull(row.from),
    to: timeOrNull(row.to),
    state: row.downloadedAt === null ? open : ('downloaded' as const),
    requestedAt: time(row.requestedAt),
    approvedAt: timeOrNull(row.approvedAt),
    downloadedAt: timeOrNull(row.downloadedAt),
  }
}

export function exportedKeyJson({ createdAt, ...key }: ExportedKey) {
  return { ...key, createdAt: time(createdAt * MS_PER_SECOND) }
}
