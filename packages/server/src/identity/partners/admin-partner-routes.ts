import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import {
  KEY_LIFETIME_DAYS_MAX,
  PARTNER_DOMAINS,
  PARTNER_TYPE_NAMES,
  type PartnerType,
  PROFILES,
} from '@keyhaven/identity/names'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import {
  changeRoute,
  listPage,
  listRoute,
  makeRoute,
  reasonSchema,
  shown,
  showRoute,
} from './admin-partner-api.ts'
import {
  apiKeySchema,
  authoritySchema,
  certificateSchema,
  issuedApiKeySchema,
  issuedLicenceSchema,
  licenceSchema,
  partnerDetailSchema,
  partnerSchema,
  subscriptionSchema,
} from './admin-partner-json.ts'
import type { PartnerServices } from './partner-services.ts'

const MAX_TEXT_CHARS = 256
const MAX_PEM_CHARS = 60_000
const MAX_SECRET_CHARS = 128
const MIN_SECRET_CHARS = 16
const text = z.string().max(MAX_TEXT_CHARS)
const pem = z.string().min(1).max(MAX_PEM_CHARS)
const days = z.int().min(1).max(KEY_LIFETIME_DAYS_MAX).optional()
const stateOf = <const T extends readonly [string, ...string[]]>(states: T) => ({
  state: z.enum(states).optional(),
})

export const adminPartnerRoutes = {
  partners: listRoute('/partners', 'List partners', partnerSchema, {
    ...stateOf(['requested', 'active', 'inactive']),
    type: z.enum(PARTNER_TYPE_NAMES as unknown as [PartnerType, ...PartnerType[]]).optional(),
  }),
  partner: showRoute(
    '/partners/{item}',
    'A partner with its certificates, subscriptions and keys',
    partnerDetailSchema,
  ),
  register: makeRoute(
    '/partners',
    'Register a partner; it gets nothing before it is active',
    z.strictObject({
      id: text,
      type: z.enum(PARTNER_TYPE_NAMES as unknown as [PartnerType, ...PartnerType[]]),
      organisation: text,
      groupId: text.optional(),
      profile: z.enum(PROFILES).optional(),
      email: text.optional(),
      contactNumber: text.optional(),
      address: text.optional(),
    }),
    partnerSchema,
  ),
  setPartner: changeRoute(
    '/partners/{item}/state',
    'Make a partner active or inactive, at once',
    reasonSchema.extend({ active: z.boolean() }),
    partnerSchema,
  ),
  certificate: changeRoute(
    '/partners/{item}/certificate',
    'Upload a partner’s certificate, in place of the one before',
    z.strictObject({ pem }),
    certificateSchema,
  ),
  encryptionKey: changeRoute(
    '/partners/{item}/encryption-key',
    'Register the key that data for a partner of profile keyhaven is sealed to',
    z.strictObject({
      statement: z.string().min(1).max(MAX_PEM_CHARS).openapi({
        description: 'Compact JWS over the x-wing key, by the key of the partner’s certificate',
      }),
    }),
    partnerSchema,
  ),
  webhook: changeRoute(
    '/partners/{item}/webhook',
    'Say where a partner’s events go',
    z.strictObject({
      url: z.string().max(1_024).openapi({ description: 'https; empty: nowhere' }),
      secret: z.string().min(MIN_SECRET_CHARS).max(MAX_SECRET_CHARS).nullable().default(null).openapi({
        description: 'Of X-Hub-Signature; null: the events carry the detached JWS only',
      }),
    }),
    partnerSchema,
  ),
  revokeCertificate: changeRoute(
    '/certificates/{item}/revoke',
    'Revoke a certificate for ever',
    reasonSchema,
    certificateSchema,
  ),
  authorities: listRoute('/authorities', 'List certificate authorities of partners', authoritySchema, {
    domain: z.enum(PARTNER_DOMAINS).optional(),
  }),
  addAuthorities: makeRoute(
    '/authorities',
    'Trust certificate authorities of a domain',
    z.strictObject({ domain: z.enum(PARTNER_DOMAINS), pem }),
    z.object({ items: z.array(authoritySchema) }),
  ),
  revokeAuthority: changeRoute(
    '/authorities/{item}/revoke',
    'Revoke an authority, and every certificate under it',
    reasonSchema,
    authoritySchema,
  ),
  subscriptions: listRoute('/subscriptions', 'List what partners asked for and have', subscriptionSchema, {
    ...stateOf(['requested', 'approved', 'refused', 'ended']),
    partnerId: text.optional(),
    policyId: text.optional(),
  }),
  subscribe: makeRoute(
    '/subscriptions',
    'Ask for a policy in a partner’s name',
    z.strictObject({ partnerId: text, policyId: text, purpose: text.min(1) }),
    subscriptionSchema,
  ),
  decide: changeRoute(
    '/subscriptions/{item}/decide',
    'Approve or refuse what a partner asked for',
    reasonSchema.extend({ approve: z.boolean() }),
    subscriptionSchema,
  ),
  endSubscription: changeRoute(
    '/subscriptions/{item}/end',
    'End a subscription, at once',
    reasonSchema,
    subscriptionSchema,
  ),
  issueApiKey: changeRoute(
    '/partners/{item}/api-keys',
    'Issue an API key; it is shown once',
    z.strictObject({ policyId: text, label: text, days }),
    issuedApiKeySchema,
  ),
  revokeApiKey: changeRoute(
    '/api-keys/{item}/revoke',
    'Revoke an API key, at once',
    reasonSchema,
    apiKeySchema,
  ),
  issueLicence: changeRoute(
    '/partners/{item}/licences',
    'Issue a licence key to a MISP; it is shown once',
    z.strictObject({ days }),
    issuedLicenceSchema,
  ),
  revokeLicence: changeRoute(
    '/licences/{item}/revoke',
    'Revoke a licence key, at once',
    reasonSchema,
    licenceSchema,
  ),
}

export interface AdminPartnerParts {
  /** @throws KeyhavenError `NOT_FOUND` */
  readonly services: (applicationId: string) => Promise<PartnerServices>
}

export function addAdminPartnerRoutes(app: OpenAPIHono<AdminEnv>, { services }: AdminPartnerParts): void {
  app.openapi(adminPartnerRoutes.partners, async (c) => {
    const { store } = await services(c.req.valid('param').id)
    const { state, type, ...page } = c.req.valid('query')
    return c.json(await listPage(store.reads.partners, partnerSchema, { state, type }, page), 200)
  })

  app.openapi(adminPartnerRoutes.partner, async (c) => {
    const { id, item } = c.req.valid('param')
    const { reads } = (await services(id)).store
    const partner = await reads.partners.get(item)
    if (partner === undefined) throw new KeyhavenError('NOT_FOUND', `there is no partner ${item}`)
    const of = { partnerId: item }
    const lists = {
      certificates: (await reads.certificates.list(of)).map((row) => shown(certificateSchema, row)),
      subscriptions: (await reads.subscriptions.list(of)).map((row) => shown(subscriptionSchema, row)),
      apiKeys: (await reads.apiKeys.list(of)).map((row) => shown(apiKeySchema, row)),
      licences: (await reads.licences.list(of)).map((row) => shown(licenceSchema, row)),
    }
    return c.json(shown(partnerDetailSchema, { ...partner, ...lists }), 200)
  })

  app.openapi(adminPartnerRoutes.register, async (c) => {
    const { partners } = await services(c.req.valid('param').id)
    const given = c.req.valid('json')
    const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    return c.json(shown(partnerSchema, await partners.register(defined as never, c.var.principal)), 200)
  })

  app.openapi(adminPartnerRoutes.setPartner, async (c) => {
    const { id, item } = c.req.valid('param')
    const { active, reason } = c.req.valid('json')
    const { partners } = await services(id)
    return c.json(shown(partnerSchema, await partners.setActive(item, active, reason, c.var.principal)), 200)
  })

  app.openapi(adminPartnerRoutes.certificate, async (c) => {
    const { id, item } = c.req.valid('param')
    const { certificates } = await services(id)
    const made = await certificates.uploadCertificate(item, c.req.valid('json').pem, c.var.principal)
    return c.json(shown(certificateSchema, made), 200)
  })

  app.openapi(adminPartnerRoutes.encryptionKey, async (c) => {
    const { id, item } = c.req.valid('param')
    const { partners } = await services(id)
    const { statement } = c.req.valid('json')
    return c.json(
      shown(partnerSchema, await partners.setEncryptionKey(item, statement, c.var.principal)),
      200,
    )
  })

  app.openapi(adminPartnerRoutes.webhook, async (c) => {
    const { id, item } = c.req.valid('param')
    const { url, secret } = c.req.valid('json')
    const { partners, sealSecret } = await services(id)
    const webhook = { url, secret: secret === null ? null : await sealSecret(item, secret) }
    return c.json(shown(partnerSchema, await partners.setWebhook(item, webhook, c.var.principal)), 200)
  })

  app.openapi(adminPartnerRoutes.revokeCertificate, async (c) => {
    const { id, item } = c.req.valid('param')
    const { certificates } = await services(id)
    const revoked = await certificates.revokeCertificate(item, c.req.valid('json').reason, c.var.principal)
    return c.json(shown(certificateSchema, revoked), 200)
  })

  app.openapi(adminPartnerRoutes.authorities, async (c) => {
    const { store } = await services(c.req.valid('param').id)
    const { domain, ...page } = c.req.valid('query')
    return c.json(await listPage(store.reads.authorities, authoritySchema, { domain }, page), 200)
  })

  app.openapi(adminPartnerRoutes.addAuthorities, async (c) => {
    const { certificates } = await services(c.req.valid('param').id)
    const given = c.req.valid('json')
    const added = await certificates.uploadAuthorities(given.domain, given.pem, c.var.principal)
    return c.json({ items: added.map((row) => shown(authoritySchema, row)) }, 200)
  })

  app.openapi(adminPartnerRoutes.revokeAuthority, async (c) => {
    const { id, item } = c.req.valid('param')
    const { certificates } = await services(id)
    const revoked = await certificates.revokeAuthority(item, c.req.valid('json').reason, c.var.principal)
    return c.json(shown(authoritySchema, revoked), 200)
  })

  app.openapi(adminPartnerRoutes.subscriptions, async (c) => {
    const { store } = await services(c.req.valid('param').id)
    const { state, partnerId, policyId, ...page } = c.req.valid('query')
    const equal = { state, partnerId, policyId }
    return c.json(await listPage(store.reads.subscriptions, subscriptionSchema, equal, page), 200)
  })

  app.openapi(adminPartnerRoutes.subscribe, async (c) => {
    const { partners } = await services(c.req.valid('param').id)
    const made = await partners.requestPolicy(c.req.valid('json'), c.var.principal)
    return c.json(shown(subscriptionSchema, made), 200)
  })

  app.openapi(adminPartnerRoutes.decide, async (c) => {
    const { id, item } = c.req.valid('param')
    const { partners } = await services(id)
    const decided = await partners.decideSubscription(item, c.req.valid('json'), c.var.principal)
    return c.json(shown(subscriptionSchema, decided), 200)
  })

  app.openapi(adminPartnerRoutes.endSubscription, async (c) => {
    const { id, item } = c.req.valid('param')
    const { partners } = await services(id)
    const ended = await partners.endSubscription(item, c.req.valid('json').reason, c.var.principal)
    return c.json(shown(subscriptionSchema, ended), 200)
  })

  app.openapi(adminPartnerRoutes.issueApiKey, async (c) => {
    const { id, item } = c.req.valid('param')
    const { days: lifetime, ...given } = c.req.valid('json')
    const { partners } = await services(id)
    const wanted = { partnerId: item, ...given, ...(lifetime === undefined ? {} : { days: lifetime }) }
    const { key, record } = await partners.issueApiKey(wanted, c.var.principal)
    return c.json({ ...shown(apiKeySchema, record), key }, 200)
  })

  app.openapi(adminPartnerRoutes.revokeApiKey, async (c) => {
    const { id, item } = c.req.valid('param')
    const { partners } = await services(id)
    return c.json(
      shown(apiKeySchema, await partners.revokeApiKey(item, c.req.valid('json').reason, c.var.principal)),
      200,
    )
  })

  app.openapi(adminPartnerRoutes.issueLicence, async (c) => {
    const { id, item } = c.req.valid('param')
    const { days: lifetime } = c.req.valid('json')
    const { partners } = await services(id)
    const wanted = { partnerId: item, ...(lifetime === undefined ? {} : { days: lifetime }) }
    const { key, record } = await partners.issueLicence(wanted, c.var.principal)
    return c.json({ ...shown(licenceSchema, record), key }, 200)
  })

  app.openapi(adminPartnerRoutes.revokeLicence, async (c) => {
    const { id, item } = c.req.valid('param')
    const { partners } = await services(id)
    return c.json(
      shown(licenceSchema, await partners.revokeLicence(item, c.req.valid('json').reason, c.var.principal)),
      200,
    )
  })
}
