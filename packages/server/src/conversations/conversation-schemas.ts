import { z } from '@hono/zod-openapi'
import { MAX_RECIPIENTS_PER_CALL } from '@keyhaven/conversations/service'
import { usernameSchema } from '../directory/directory-routes.ts'

const MAX_ENTRY_CHARS = 2_097_152
const MAX_STATEMENT_CHARS = 8_192
const MAX_WRAPPED_CHARS = 2_048

/** Of a conversation, key, file or export: 16 bytes, base64url. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, 'an id')
export const deviceSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'a device id')
const hashSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a hash')
const jws = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'a compact JWS')
/** base64url: a database does not hold just any text. */
const wrappedSchema = z
  .string()
  .max(MAX_WRAPPED_CHARS)
  .regex(/^[\w-]+$/, 'base64url')

export const recipientsSchema = z
  .array(
    z.strictObject({
      username: usernameSchema,
      device: deviceSchema,
      thumbprint: hashSchema,
      wrapped: wrappedSchema,
    }),
  )
  .min(1)
  .max(MAX_RECIPIENTS_PER_CALL)

export const uploadSchema = z
  .strictObject({ announcement: jws(MAX_STATEMENT_CHARS), recipients: recipientsSchema })
  .openapi('SealedKeyUpload')
export const entrySchema = jws(MAX_ENTRY_CHARS)
export const shareSchema = z.strictObject({ share: jws(MAX_STATEMENT_CHARS), wrapped: wrappedSchema })

export const commitmentSchema = z
  .object({
    opening: z.string(),
    batchIndex: z.int(),
    batchSize: z.int(),
    batchProof: z.array(z.string()),
    logIndex: z.int(),
  })
  .openapi('Commitment')

export const loggedEntrySchema = z
  .object({
    entry: z.string().openapi({ description: 'Compact JWS' }),
    acceptedAt: z.int().openapi({ description: 'Seconds since the epoch' }),
    commitment: commitmentSchema,
  })
  .openapi('LoggedMembershipEntry')

const keyCommon = {
  id: z.string(),
  conversation: z.string(),
  algorithm: z.string(),
  membership: z.object({ sequence: z.int(), head: z.string() }),
  createdAt: z.int().openapi({ description: 'Seconds since the epoch' }),
  createdBy: z.union([z.literal('server'), z.object({ username: z.string(), device: z.string() })]),
  receipt: commitmentSchema.optional(),
}
export const keySchema = z
  .union([
    z.object({ ...keyCommon, mode: z.literal('managed'), key: z.string() }),
    z.object({
      ...keyCommon,
      mode: z.literal('sealed'),
      announcement: z.string(),
      wrapped: z.string(),
      proof: z.object({ index: z.int(), proof: z.array(z.string()) }).optional(),
      share: z.string().optional(),
    }),
  ])
  .openapi('ConversationKey')

export const incompleteSchema = z.object({ id: z.string(), complete: z.literal(false) })

export const receiptSchema = z
  .object({
    receipt: z.object({
      v: z.literal(1),
      application: z.string(),
      conversation: z.string(),
      sequence: z.int(),
      kind: z.enum(['key', 'file', 'export']),
      object: z.string(),
      to: z.union([
        z.object({ username: z.string(), device: z.string() }),
        z.object({ operators: z.array(z.string()) }),
      ]),
      rule: z.string(),
      at: z.int(),
    }),
    commitment: commitmentSchema,
  })
  .openapi('ConversationReceipt')

export const proofsSchema = {
  checkpoint: z.string().openapi({ description: 'Signed note' }),
  proofs: z
    .record(z.string(), z.array(z.string()))
    .openapi({ description: 'By leaf: that it is in the log at the checkpoint’s size' }),
}
