import { z } from '@hono/zod-openapi'
import { decodeEntry, type HistoryItem } from '@keyhaven/directory'
import type { SignUpTokenInfo, StoredEntry, StoredUser, UserDetail } from '@keyhaven/directory/service'
import { timeSchema } from '../platform/http/schemas.ts'
import type { DirectoryDevicesTable } from './tables.ts'

const MS_PER_SECOND = 1_000

const profileSchema = z.enum(['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy'])

export const userSchema = z
  .object({
    username: z.string(),
    chain: z.int().openapi({ description: 'Counts resets, from 0' }),
    sequence: z.int().openapi({ description: 'Of the newest entry, over all chains' }),
    devices: z.int().openapi({ description: 'Valid now' }),
    signUp: z.string().openapi({ description: 'token, or oidc: and the issuer' }),
    createdAt: timeSchema,
    changedAt: timeSchema,
  })
  .openapi('DirectoryUser')

export const deviceSchema = z
  .object({
    username: z.string(),
    device: z.string(),
    chain: z.int(),
    name: z.string(),
    profile: profileSchema,
    status: z.enum(['valid', 'expired', 'not-yet-valid', 'revoked']),
    state: z.enum(['pending', 'valid', 'expired', 'revoked']),
    notBefore: timeSchema,
    expiresAt: timeSchema,
    endedAt: timeSchema.nullable().openapi({ description: 'Ahead while another device can still object' }),
    lastEntryAt: timeSchema,
  })
  .openapi('DirectoryDevice')

const signerSchema = z.union([
  z.object({ kind: z.literal('device'), device: z.string() }),
  z.object({ kind: z.literal('recovery') }),
  z.object({ kind: z.literal('authority') }),
])

const entrySchema = z
  .object({
    sequence: z.int(),
    chain: z.int(),
    kind: z.enum(['device', 'revocation', 'objection', 'recovery', 'reset']),
    entry: z.string().openapi({ description: 'Compact JWS' }),
    hash: z.string(),
    acceptedAt: timeSchema,
    index: z.int(),
    logIndex: z.int(),
    signer: signerSchema,
    device: z.string().nullable(),
    reason: z.string().nullable(),
    effectiveAt: timeSchema.nullable(),
    objectsTo: z.string().nullable(),
  })
  .openapi('DirectoryEntry')

export const userDetailSchema = userSchema
  .omit({ devices: true })
  .extend({ devices: z.array(deviceSchema), entries: z.array(entrySchema) })
  .openapi('DirectoryUserDetail')

export const signUpTokenSchema = z
  .object({
    id: z.string(),
    username: z.string(),
    profile: profileSchema.nullable(),
    createdAt: timeSchema,
    createdBy: z.string(),
    expiresAt: timeSchema,
    usedAt: timeSchema.nullable(),
  })
  .openapi('SignUpToken')

export function userJson(user: StoredUser): Omit<z.infer<typeof userSchema>, 'devices'> {
  const { username, chain, sequence, signUp } = user
  return { username, chain, sequence, signUp, createdAt: iso(user.createdAt), changedAt: iso(user.changedAt) }
}

/** @param now - milliseconds. */
export function deviceJson(row: DirectoryDevicesTable, now: number): z.infer<typeof deviceSchema> {
  const status = statusOf(row, now)
  return {
    username: row.username,
    device: row.device,
    chain: row.chain,
    name: row.name,
    profile: row.profile as z.infer<typeof profileSchema>,
    status,
    state: status === 'not-yet-valid' ? 'pending' : status,
    notBefore: new Date(row.not_before).toISOString(),
    expiresAt: new Date(row.expires_at).toISOString(),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
    lastEntryAt: new Date(row.changed_at).toISOString(),
  }
}

export function userDetailJson(
  { user, state, entries }: UserDetail,
  devices: readonly DirectoryDevicesTable[],
  now: number,
): z.infer<typeof userDetailSchema> {
  const history = new Map(state.history.map((item) => [item.sequence, item]))
  return {
    ...userJson(user),
    devices: devices.map((row) => deviceJson(row, now)),
    entries: entries.map((entry) => entryJson(entry, history.get(entry.sequence))),
  }
}

export function signUpTokenJson(token: SignUpTokenInfo): z.infer<typeof signUpTokenSchema> {
  const { id, username, profile, createdBy } = token
  return {
    id,
    username,
    profile,
    createdBy,
    createdAt: iso(token.createdAt),
    expiresAt: iso(token.expiresAt),
    usedAt: token.usedAt === null ? null : iso(token.usedAt),
  }
}

function entryJson(stored: StoredEntry, item: HistoryItem | undefined): z.infer<typeof entrySchema> {
  const { entry } = decodeEntry(stored.entry)
  const effective = entry.kind === 'revocation' || entry.kind === 'recovery' ? entry.effective : null
  const named = entry.kind === 'revocation' ? entry.device : (item?.device ?? null)
  return {
    sequence: stored.sequence,
    chain: entry.chain,
    kind: stored.kind,
    entry: stored.entry,
    hash: stored.hash,
    acceptedAt: iso(stored.acceptedAt),
    index: stored.index,
    logIndex: stored.index,
    signer: item?.signer ?? { kind: 'authority' },
    device: named,
    reason: entry.kind === 'revocation' || entry.kind === 'reset' ? entry.reason : null,
    effectiveAt: effective === null ? null : iso(effective),
    objectsTo: entry.kind === 'objection' ? entry.revocation : null,
  }
}

function statusOf(row: DirectoryDevicesTable, now: number): z.infer<typeof deviceSchema>['status'] {
  if (row.ended_at !== null && row.ended_at <= now) return 'revoked'
  if (row.not_before > now) return 'not-yet-valid'
  return row.expires_at <= now ? 'expired' : 'valid'
}

function iso(seconds: number): string {
  return new Date(seconds * MS_PER_SECOND).toISOString()
}
