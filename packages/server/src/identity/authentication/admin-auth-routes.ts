import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { certificateToPem, parseCertificate } from '@keyhaven/identity'
import {
  createSubjectNames,
  FAILURE_WINDOW_MINUTES,
  limitOf,
  otpSubject,
  type SubjectNames,
} from '@keyhaven/identity/service'
import type { AuditLog } from '../../platform/audit/audit-log.ts'
import { requirePermission } from '../../platform/auth/authenticate.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { body, json, pageQuerySchema, problemAnswers, timeSchema } from '../../platform/http/schemas.ts'
import type { IdaParts } from '../ida-parts.ts'
import type { IdentityParts } from '../identity-parts.ts'

const PATH = '/admin/v1/identity/authentication'
const MAX_PEM_CHARACTERS = 32_768
const MAX_ID_CHARACTERS = 64
const MAX_PARTNER_CHARACTERS = 128
const PARTNER_ACTOR = 'partner:'

const documented = { tags: ['ID authentication'], security: [{ bearer: [] }] }
const refusals = problemAnswers(400, 401, 403, 404, 409, 503)
const ok = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  200: { description, content: json(schema) },
  ...refusals,
})
const of = (permission: Parameters<typeof requirePermission>[0]) => ({
  ...documented,
  middleware: [requirePermission(permission)],
})

const statusSchema = z
  .object({
    partnerId: z.string(),
    profile: z.enum(['mosip', 'keyhaven']),
    matcher: z.string().openapi({ description: 'What compares biometrics; the simulated one says so' }),
    channels: z.array(z.string()).openapi({ description: 'Of one-time passwords' }),
    issuer: z.object({ thumbprint: z.string(), subject: z.string(), notAfter: timeSchema }).nullable(),
    partners: z.int(),
    windowMinutes: z.int(),
  })
  .openapi('AuthenticationStatus')
const answerSchema = z
  .object({
    id: z.string(),
    at: timeSchema,
    caller: z.string().openapi({ example: 'partner:bank-1' }),
    kind: z.enum(['auth', 'kyc', 'otp', 'internal']),
    result: z.enum(['yes', 'no', 'refused']),
    types: z.array(z.string()),
    errors: z.array(z.string()),
    token: z.string().nullable(),
  })
  .openapi('AuthenticationAnswer')
const limitSchema = z
  .object({ subject: z.string(), failures: z.int(), limit: z.int(), until: timeSchema, locked: z.boolean() })
  .openapi('AuthenticationLimit')
const partnerSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    organisation: z.string(),
    active: z.boolean(),
    certificate: z.string().nullable().openapi({ description: 'SHA-256, hex' }),
    policies: z.array(z.string()),
    apiKeys: z.int(),
    sequence: z.int(),
  })
  .openapi('KnownPartner')
const partnerKeySchema = z
  .object({
    partnerId: z.string(),
    certificate: z.string().openapi({ description: 'PEM; registered at the issuer' }),
    chain: z.string().openapi({ description: 'PEM of those above it, IDA’s root last' }),
    encryptionKey: z.string().openapi({ description: 'Profile keyhaven: signed statement of the share key' }),
  })
  .openapi('IdaPartnerKey')

export const adminAuthRoutes = {
  status: createRoute({
    ...{ method: 'get', path: PATH, summary: 'What this IDA is, and whom it trusts', ...of('read') },
    responses: ok('As it is now', statusSchema),
  }),
  answers: createRoute({
    ...{
      method: 'get',
      path: `${PATH}/answers`,
      summary: 'Who asked, and what was answered',
      ...of('read-audit'),
    },
    request: {
      query: pageQuerySchema.extend({ partner: z.string().max(MAX_PARTNER_CHARACTERS).optional() }),
    },
    responses: ok(
      'Newest first; never whom it was about',
      z.object({ items: z.array(answerSchema), nextCursor: z.string().nullable() }),
    ),
  }),
  limits: createRoute({
    ...{
      method: 'get',
      path: `${PATH}/limits`,
      summary: 'Failures of people and partners',
      ...of('read-audit'),
    },
    responses: ok('Those with the most time left first', z.object({ items: z.array(limitSchema) })),
  }),
  unlock: createRoute({
    ...{ method: 'post', path: `${PATH}/unlock`, ...of('manage-partners') },
    summary: 'Forget the failures of a person or a partner',
    request: {
      body: body(
        z.union([
          z.strictObject({
            subject: z
              .string()
              .min(1)
              .max(MAX_PARTNER_CHARACTERS * 2),
          }),
          z.strictObject({ id: z.string().min(1).max(MAX_ID_CHARACTERS) }),
        ]),
      ),
    },
    responses: { 204: { description: 'Forgotten' }, ...refusals },
  }),
  partners: createRoute({
    ...{ method: 'get', path: `${PATH}/partners`, summary: 'Partners that this IDA knows', ...of('read') },
    responses: ok('By id', z.object({ items: z.array(partnerSchema) })),
  }),
  partnerKey: createRoute({
    ...{ method: 'get', path: `${PATH}/partner-key`, ...of('read') },
    summary: 'This IDA as a partner of the issuer: what is registered there',
    responses: ok('The newest', partnerKeySchema),
  }),
  renewPartnerKey: createRoute({
    ...{ method: 'post', path: `${PATH}/partner-key/renewal`, ...of('manage-keys') },
    summary: 'Make a new key; shares under the old one still open',
    responses: ok('The new one: register it at the issuer', partnerKeySchema),
  }),
  pinIssuer: createRoute({
    ...{ method: 'put', path: `${PATH}/issuer`, ...of('administer') },
    summary: 'Believe events that this root vouches for, and no others',
    request: {
      body: body(
        z.strictObject({
          certificate: z.string().min(1).max(MAX_PEM_CHARACTERS).openapi({ description: 'PEM' }),
          replace: z.boolean().default(false),
        }),
      ),
    },
    responses: { 204: { description: 'Pinned' }, ...refusals },
  }),
}

/** The identity capability's part of the admin API in the process of role `ida`. */
export function addAdminAuthRoutes(
  app: OpenAPIHono<AdminEnv>,
  { applicationId, identity, profile, state }: IdentityParts,
  ida: IdaParts,
): void {
  const { store, issuers, partnerKey } = ida
  let names: Promise<SubjectNames> | undefined
  const subjectNames = () => {
    names ??= ida.subjectKey().then((key) => createSubjectNames(key, applicationId))
    return names
  }

  app.openapi(adminAuthRoutes.status, async (c) => {
    const [root, partners] = await Promise.all([issuers.root(), store.partners()])
    return c.json(
      {
        ...{ partnerId: identity.idaPartner, profile, matcher: ida.matcher, partners: partners.length },
        channels: identity.smtp === undefined ? [] : ['EMAIL'],
        issuer:
          root === undefined
            ? null
            : {
                thumbprint: toHex(root.thumbprint),
                subject: root.subject,
                notAfter: new Date(root.notAfter).toISOString(),
              },
        windowMinutes: FAILURE_WINDOW_MINUTES,
      },
      200,
    )
  })

  app.openapi(adminAuthRoutes.answers, async (c) => {
    const { partner, cursor, limit } = c.req.valid('query')
    return c.json(await listAnswers(state.audit, applicationId, { partner, cursor, limit }), 200)
  })

  app.openapi(adminAuthRoutes.limits, async (c) => {
    const items = (await store.limited(1)).map(({ subject, failures, until }) => {
      const limit = limitOf(subject)
      return { subject, failures, limit, until: new Date(until).toISOString(), locked: failures >= limit }
    })
    return c.json({ items }, 200)
  })

  app.openapi(adminAuthRoutes.unlock, async (c) => {
    const given = c.req.valid('json')
    const { actor } = c.var.principal
    const subjects = 'subject' in given ? [given.subject] : await subjectsOf(await subjectNames(), given.id)
    const done = await Promise.all(subjects.map((subject) => store.unlock(subject, actor)))
    if (!done.includes(true)) throw new KeyhavenError('NOT_FOUND', 'there are no failures to forget')
    return c.body(null, 204)
  })

  app.openapi(adminAuthRoutes.partners, async (c) => {
    const items = (await store.partners()).map(({ partner, certificate, policies, apiKeys, sequence }) => ({
      ...{ id: partner.id, type: partner.type, organisation: partner.organisation, active: partner.active },
      certificate:
        certificate === null
          ? null
          : toHex(parseCertificate(Buffer.from(certificate.der, 'base64url')).thumbprint),
      ...{ policies: policies.map(({ id }) => id), apiKeys: apiKeys.length, sequence },
    }))
    return c.json({ items }, 200)
  })

  const describeKey = async () => {
    const [certificate, ...above] = await partnerKey.chain()
    return {
      partnerId: identity.idaPartner,
      certificate: certificateToPem(certificate),
      chain: above.map(certificateToPem).join(''),
      encryptionKey: await partnerKey.shareKeyStatement(),
    }
  }
  app.openapi(adminAuthRoutes.partnerKey, async (c) => c.json(await describeKey(), 200))
  app.openapi(adminAuthRoutes.renewPartnerKey, async (c) => {
    await partnerKey.renew(c.var.principal.actor)
    return c.json(await describeKey(), 200)
  })

  addPinIssuerRoute(app, issuers)
}

/** In every process that takes events. */
export function addPinIssuerRoute(app: OpenAPIHono<AdminEnv>, issuers: IdaParts['issuers']): void {
  app.openapi(adminAuthRoutes.pinIssuer, async (c) => {
    const { certificate, replace } = c.req.valid('json')
    await issuers.pin(parseCertificate(certificate), c.var.principal.actor, replace)
    return c.body(null, 204)
  })
}

/** A person's failures, and the passwords that were sent. */
async function subjectsOf(names: SubjectNames, id: string): Promise<string[]> {
  const person = await names.person(id)
  return [person, otpSubject(person)]
}

async function listAnswers(
  audit: AuditLog,
  applicationId: string,
  query: {
    readonly partner: string | undefined
    readonly cursor: string | undefined
    readonly limit: number
  },
) {
  const { partner, cursor, limit } = query
  const actor = partner === undefined ? {} : { actor: PARTNER_ACTOR + partner }
  const filter = { action: 'auth.answer', applicationId, ...actor }
  const page = await audit.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) })
  const items = page.items.map((entry) => ({
    ...(entry.detail as unknown as Omit<z.infer<typeof answerSchema>, 'id' | 'at' | 'caller'>),
    ...{ id: entry.subject ?? '', at: new Date(entry.at).toISOString(), caller: entry.actor },
  }))
  return { items, nextCursor: page.nextCursor }
}
