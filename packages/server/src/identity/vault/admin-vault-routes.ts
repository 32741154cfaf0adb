import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { parseCertificates } from '@keyhaven/identity'
import type { CredentialService, IdaVault, IssuerVault, PoolConflict } from '@keyhaven/identity/service'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { body, json, pageQuerySchema, problemAnswers, timeSchema } from '../../platform/http/schemas.ts'
import type { BackfillProgress, Backfills } from '../backfill/backfills.ts'
import type { VaultRecipients } from './vault-recipients.ts'

export const VAULT_PATH = '/admin/v1/identity/vault'
/** Credentials that one call orders again. */
export const MAX_REENCRYPT_AT_ONCE = 1_000
const MAX_REASON_CHARACTERS = 500
const MAX_PEM_CHARACTERS = 32_768
const MAX_PARTNER_CHARACTERS = 128

const documented = { tags: ['Vault'], security: [{ bearer: [] }] }
const count = z.int().min(0)
const poolSchema = z.object({ generation: count, keys: count })
const progressSchema = z.object({ done: count, left: count })
const recipientSchema = z
  .object({ partner: z.string(), thumbprint: z.string(), subject: z.string(), notAfter: timeSchema })
  .openapi('VaultRecipient')
const backfillSchema = z
  .object({
    partner: z.string(),
    policyId: z.string(),
    state: z.enum(['running', 'done', 'stopped']),
    people: count.openapi({ description: 'Gone through' }),
    total: count.openapi({ description: 'When it began' }),
    issued: count.openapi({ description: 'Credentials of this IDA and policy, from a backfill or not' }),
    waiting: count,
    failed: count,
    startedBy: z.string(),
    startedAt: timeSchema,
    changedAt: timeSchema,
  })
  .openapi('Backfill')
const statusSchema = z
  .object({
    role: z.enum(['main', 'ida']),
    profile: z.enum(['mosip', 'keyhaven']),
    generations: z.array(poolSchema.extend({ createdAt: timeSchema })),
    openConflicts: count,
    credentials: progressSchema.optional().openapi({ description: 'Role main: re-encryption' }),
    records: count.optional().openapi({ description: 'Role ida: people' }),
    recordsOfOldGenerations: count.optional(),
    recipients: z.array(recipientSchema).optional(),
    backfills: z
      .array(backfillSchema)
      .optional()
      .openapi({ description: 'Role main: an entry an IDA and policy' }),
  })
  .openapi('VaultStatus')
const conflictSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['import', 'create', 'unwrap']),
    index: count,
    source: z.string().openapi({ description: 'Event that brought the other key' }),
    seenAt: timeSchema,
    closedAt: timeSchema.nullable(),
    closedBy: z.string().nullable(),
  })
  .openapi('PoolConflict')

const read = { ...documented, middleware: [requirePermission('read')] }
const change = { ...documented, middleware: [requirePermission('manage-keys')] }
const refusals = problemAnswers(400, 401, 403, 404, 409, 502, 503)
const ok = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  200: { description, content: json(schema) },
  ...refusals,
})

export const adminVaultRoutes = {
  status: createRoute({
    ...{ method: 'get', path: VAULT_PATH, summary: 'Pool generations, people, conflicts', ...read },
    responses: ok('As it is now', statusSchema),
  }),
  create: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/pool`, summary: 'Make the pool of 10,000 keys', ...change },
    responses: ok('Made', poolSchema),
  }),
  rotate: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/rotation`, summary: 'Make a new generation', ...change },
    responses: ok('Made: new credentials take its keys', poolSchema),
  }),
  reencrypt: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/reencryption`, ...change },
    summary: 'Order credentials of older generations again, some at a time',
    request: {
      body: body(z.strictObject({ limit: z.int().min(1).max(MAX_REENCRYPT_AT_ONCE).default(100) })),
    },
    responses: ok('How many were planned by this call', progressSchema.extend({ planned: count })),
  }),
  backfill: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/backfill`, ...change },
    summary:
      'Order credentials of everybody for an IDA: what it has already is left out, what failed tried again',
    request: { body: body(z.strictObject({ partner: z.string().min(1).max(MAX_PARTNER_CHARACTERS) })) },
    responses: { 202: { description: 'Planned; the status says how far it is' }, ...refusals },
  }),
  conflicts: createRoute({
    ...{ method: 'get', path: `${VAULT_PATH}/conflicts`, summary: 'Second keys for an index', ...read },
    request: { query: pageQuerySchema },
    responses: ok(
      'Newest first',
      z.object({ items: z.array(conflictSchema), nextCursor: z.string().nullable() }),
    ),
  }),
  closeConflict: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/conflicts/{id}/closure`, ...change },
    summary: 'Close a conflict that was looked into; the stored key stays',
    request: {
      params: z.object({ id: z.uuid() }),
      body: body(z.strictObject({ reason: z.string().min(1).max(MAX_REASON_CHARACTERS) })),
    },
    responses: { 204: { description: 'Closed' }, ...refusals },
  }),
  addRecipient: createRoute({
    ...{ method: 'post', path: `${VAULT_PATH}/recipients`, ...change },
    summary: 'Wrap pool keys for this certificate of an IDA (IDA/CRED_SERVICE)',
    request: {
      body: body(
        z.strictObject({
          partner: z.string().min(1).max(MAX_PARTNER_CHARACTERS),
          certificate: z.string().min(1).max(MAX_PEM_CHARACTERS).openapi({ description: 'PEM' }),
        }),
      ),
    },
    responses: ok('Known', recipientSchema),
  }),
  removeRecipient: createRoute({
    ...{ method: 'delete', path: `${VAULT_PATH}/recipients/{partner}/{thumbprint}`, ...change },
    summary: 'Wrap no pool keys for this certificate any more',
    request: {
      params: z.object({
        partner: z.string().max(MAX_PARTNER_CHARACTERS),
        thumbprint: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    },
    responses: { 204: { description: 'Removed' }, ...refusals },
  }),
}

/** The vault of this process: the issuer's or an IDA's. */
export type AdminVaultParts =
  | {
      readonly role: 'main'
      readonly vault: IssuerVault
      readonly credentials: Pick<CredentialService<unknown>, 'reencrypt' | 'reencryption'>
      readonly recipients: VaultRecipients
      readonly backfills: Pick<Backfills, 'start' | 'list'>
    }
  | { readonly role: 'ida'; readonly vault: IdaVault }

export function addAdminVaultRoutes(app: OpenAPIHono<AdminEnv>, parts: AdminVaultParts): void {
  const { vault } = parts
  const issuer = () => {
    if (parts.role === 'main') return parts
    throw new KeyhavenError(
      'UNSUPPORTED',
      'the pool is made by the issuer: an IDA gets its keys with credentials',
    )
  }

  app.openapi(adminVaultRoutes.status, async (c) => c.json(await statusOf(parts), 200))
  app.openapi(adminVaultRoutes.create, async (c) =>
    c.json(await issuer().vault.createPool(c.var.principal.actor), 200),
  )
  app.openapi(adminVaultRoutes.rotate, async (c) =>
    c.json(await issuer().vault.rotatePool(c.var.principal.actor), 200),
  )
  app.openapi(adminVaultRoutes.reencrypt, async (c) => {
    const { credentials } = issuer()
    const planned = await credentials.reencrypt(c.req.valid('json').limit)
    return c.json({ planned, ...(await credentials.reencryption()) }, 200)
  })
  app.openapi(adminVaultRoutes.backfill, async (c) => {
    await issuer().backfills.start(c.req.valid('json').partner, c.var.principal.actor)
    return c.body(null, 202)
  })
  app.openapi(adminVaultRoutes.conflicts, async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const page = { limit: limit + 1, ...(cursor !== undefined && { after: cursor }) }
    const found = await vault.conflicts(page)
    const items = found.slice(0, limit)
    return c.json(
      { items: items.map(conflictJson), nextCursor: found.length > limit ? items.at(-1)!.id : null },
      200,
    )
  })
  app.openapi(adminVaultRoutes.closeConflict, async (c) => {
    const { id } = c.req.valid('param')
    if (!(await vault.closeConflict(id, c.var.principal.actor, c.req.valid('json').reason))) {
      throw new KeyhavenError('NOT_FOUND', 'there is no such open conflict')
    }
    return c.body(null, 204)
  })
  app.openapi(adminVaultRoutes.addRecipient, async (c) => {
    const { partner, certificate } = c.req.valid('json')
    const [first, ...more] = parseCertificates(certificate)
    if (first === undefined || more.length > 0) {
      throw new KeyhavenError('INPUT_INVALID', 'certificate: one certificate in PEM')
    }
    const added = await issuer().recipients.add(partner, first.der, c.var.principal.actor)
    return c.json(recipientJson({ partner, certificate: added }), 200)
  })
  app.openapi(adminVaultRoutes.removeRecipient, async (c) => {
    const { partner, thumbprint } = c.req.valid('param')
    if (!(await issuer().recipients.remove(partner, thumbprint, c.var.principal.actor))) {
      throw new KeyhavenError('NOT_FOUND', 'there is no such certificate')
    }
    return c.body(null, 204)
  })
}

async function statusOf(parts: AdminVaultParts): Promise<z.infer<typeof statusSchema>> {
  const { generations, ...status } = await parts.vault.status()
  const common = {
    role: parts.role,
    ...status,
    generations: generations.map((one) => ({ ...one, createdAt: new Date(one.createdAt).toISOString() })),
  }
  if (parts.role === 'ida') return common
  const [credentials, recipients, backfills] = await Promise.all([
    parts.credentials.reencryption(),
    parts.recipients.list(),
    parts.backfills.list(),
  ])
  return {
    ...{ ...common, credentials: { ...credentials }, recipients: recipients.map(recipientJson) },
    backfills: backfills.map(backfillJson),
  }
}

function backfillJson({ startedAt, changedAt, run: _, lastRecord: __, ...backfill }: BackfillProgress) {
  return {
    ...backfill,
    ...{ startedAt: new Date(startedAt).toISOString(), changedAt: new Date(changedAt).toISOString() },
  }
}

function recipientJson({ partner, certificate }: Awaited<ReturnType<VaultRecipients['list']>>[number]) {
  return {
    partner,
    thumbprint: toHex(certificate.thumbprint),
    subject: certificate.subject,
    notAfter: new Date(certificate.notAfter).toISOString(),
  }
}

function conflictJson({ id, kind, index, source, seenAt, closedAt, closedBy }: PoolConflict) {
  return {
    ...{ id, kind, index, source, closedBy, seenAt: new Date(seenAt).toISOString() },
    closedAt: closedAt === null ? null : new Date(closedAt).toISOString(),
  }
}
