import { z } from '@hono/zod-openapi'
import {
  PARTNER_DOMAINS,
  PARTNER_TYPE_NAMES,
  type PartnerType,
  POLICY_TYPES,
  PROFILES,
} from '@keyhaven/identity/names'
import { timeSchema } from '../../platform/http/schemas.ts'

const actor = z.string().openapi({ example: 'token:admin' })
const partnerType = z.enum(PARTNER_TYPE_NAMES as unknown as [PartnerType, ...PartnerType[]])

export const partnerSchema = z
  .object({
    id: z.string(),
    type: partnerType,
    organisation: z.string(),
    groupId: z.string(),
    profile: z.enum(PROFILES),
    state: z.enum(['requested', 'active', 'inactive']),
    webhookUrl: z.string(),
    createdAt: timeSchema,
    createdBy: actor,
    changedAt: timeSchema,
  })
  .openapi('Partner')

export const certificateSchema = z
  .object({
    id: z.string().openapi({ description: 'SHA-256 of the certificate, hex' }),
    partnerId: z.string(),
    validFrom: timeSchema,
    validUntil: timeSchema,
    state: z.enum(['active', 'replaced', 'revoked']),
    uploadedAt: timeSchema,
    uploadedBy: actor,
  })
  .openapi('PartnerCertificate')

export const authoritySchema = z
  .object({
    id: z.string(),
    domain: z.enum(PARTNER_DOMAINS),
    subject: z.string(),
    root: z.boolean(),
    notBefore: timeSchema,
    notAfter: timeSchema,
    state: z.enum(['active', 'revoked']),
    uploadedAt: timeSchema,
    uploadedBy: actor,
  })
  .openapi('PartnerAuthority')

export const subscriptionSchema = z
  .object({
    id: z.string(),
    partnerId: z.string(),
    policyId: z.string(),
    purpose: z.string(),
    state: z.enum(['requested', 'approved', 'refused', 'ended']),
    reason: z.string(),
    requestedAt: timeSchema,
    requestedBy: actor,
    decidedAt: timeSchema.nullable(),
    decidedBy: z.string(),
  })
  .openapi('Subscription')

export const apiKeySchema = z
  .object({
    id: z.string(),
    partnerId: z.string(),
    policyId: z.string(),
    label: z.string(),
    state: z.enum(['active', 'revoked']),
    createdAt: timeSchema,
    expiresAt: timeSchema,
    createdBy: actor,
  })
  .openapi('PartnerApiKey')

export const licenceSchema = z
  .object({
    id: z.string(),
    partnerId: z.string(),
    state: z.enum(['active', 'revoked']),
    createdAt: timeSchema,
    expiresAt: timeSchema,
    createdBy: actor,
  })
  .openapi('PartnerLicence')

const secret = { key: z.string().openapi({ description: 'Shown this once: only its hash is kept' }) }
export const issuedApiKeySchema = apiKeySchema.extend(secret)
export const issuedLicenceSchema = licenceSchema.extend(secret)

export const partnerDetailSchema = partnerSchema.extend({
  email: z.string(),
  contactNumber: z.string(),
  address: z.string(),
  certificates: z.array(certificateSchema),
  subscriptions: z.array(subscriptionSchema),
  apiKeys: z.array(apiKeySchema),
  licences: z.array(licenceSchema),
})

export const groupSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    active: z.boolean(),
    createdAt: timeSchema,
  })
  .openapi('PolicyGroup')

export const policySchema = z
  .object({
    id: z.string(),
    groupId: z.string(),
    name: z.string(),
    description: z.string(),
    type: z.enum(POLICY_TYPES),
    version: z.int().openapi({ description: 'Of what is published; 0 before the first time' }),
    state: z.enum(['draft', 'active', 'inactive']),
    publishedAt: timeSchema.nullable(),
    validUntil: timeSchema.nullable(),
    changedAt: timeSchema,
    changedBy: actor,
  })
  .openapi('Policy')

export const policyDetailSchema = policySchema.extend({
  body: z.string().openapi({ description: 'MOSIP’s JSON as it is published; empty before it is' }),
  draft: z.string().openapi({ description: 'The next version; empty if there is none' }),
})

export const shareSchema = z
  .object({
    id: z.string(),
    policyId: z.string(),
    policyVersion: z.int(),
    subscriberId: z.string(),
    profile: z.enum(PROFILES),
    bytes: z.int(),
    state: z.enum(['live', 'ended', 'deleted']),
    allowed: z.int().openapi({ description: '-1: any number' }),
    remaining: z.int(),
    createdAt: timeSchema,
    createdBy: actor,
    expiresAt: timeSchema,
  })
  .openapi('Share')

export const eventSchema = z
  .object({
    id: z.string(),
    sequence: z.int(),
    partnerId: z.string(),
    topic: z.string(),
    state: z.enum(['kept', 'waiting', 'delivered', 'dead']),
    attempts: z.int(),
    failure: z.string(),
    createdAt: timeSchema,
    changedAt: timeSchema,
  })
  .openapi('PartnerEvent')
