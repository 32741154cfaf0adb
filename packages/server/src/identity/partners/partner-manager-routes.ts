import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { mosipTime, PARTNER_DOMAINS, PARTNER_TYPE_NAMES, type PartnerType } from '@keyhaven/identity'
import type { Licence, Partner } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { type MosipRouteParts, type MosipService, mosipRoutes } from '../mosip-routes.ts'
import type { PartnerServices } from './partner-services.ts'

const PREFIX = '/v1/partnermanager'
const MAX_BODY_BYTES = 262_144
const MAX_TEXT_CHARS = 512
const MAX_CERTIFICATE_CHARS = 131_072
const MOSIP_STATES = { active: 'approved', inactive: 'deactivated', requested: 'InProgress' } as const
const text = z.string().max(MAX_TEXT_CHARS)
const optional = text.nullish()
const certificateData = z.string().max(MAX_CERTIFICATE_CHARS)

const partnerRequest = z.object({
  partnerId: text,
  policyGroup: optional,
  organizationName: text,
  address: optional,
  contactNumber: optional,
  emailId: optional,
  partnerType: z.enum(PARTNER_TYPE_NAMES as unknown as [PartnerType, ...PartnerType[]]),
  langCode: optional,
})
const caRequest = z.object({ certificateData, partnerDomain: z.enum(PARTNER_DOMAINS) })
const certificateRequest = z.object({ partnerId: text, certificateData, partnerDomain: optional })
const encryptionKeyRequest = z.object({ statement: certificateData })
const mappingRequest = z.object({ policyName: text, useCaseDescription: text })
const apiKeyRequest = z.object({ policyName: text, label: text })
const statusRequest = z.object({ status: text })
const apiKeyStatusRequest = z.object({ label: text, status: text })
const licenceRequest = z.object({ providerId: text })
const licenceStatusRequest = z.object({ providerId: text, licenseKeyStatus: text, licenseKey: optional })

/** Partner and policy manager are for partners themselves, and for who manages them. */
export const PARTNER_MANAGER: MosipService = {
  codes: {
    codes: {
      NOT_FOUND: 'PMS_PRT_005',
      CONFLICT: 'PMS_PRT_051',
      INPUT_INVALID: 'PMS_COR_002',
      POLICY_REFUSED: 'PMS_PRT_061',
      ACCESS_DENIED: 'PMS_PRT_055',
      CERTIFICATE_INVALID: 'KER-PCM-001',
      WIRE_TOO_LARGE: 'PMS_COR_002',
    },
    otherwise: 'PMS_ATH_500',
  },
  admits: ({ organisation, manages }) => organisation !== undefined || manages,
  maxBytes: MAX_BODY_BYTES,
}

export interface PartnerManagerParts extends MosipRouteParts {
  readonly services: PartnerServices
}

/** MOSIP's partner manager, in the names of its DTOs (mosip/partner-management-services). */
export function addPartnerManagerRoutes(app: OpenAPIHono<AppEnv>, parts: PartnerManagerParts): void {
  const { partners, certificates, store } = parts.services
  const route = mosipRoutes(app, parts, PARTNER_MANAGER)
  /** MOSIP names policies where we have ids; of ours each is found by either. */
  const policyId = async (name: string): Promise<string> => {
    if ((await store.reads.policies.get(name)) !== undefined) return name
    const [found] = await store.reads.policies.list({ name }, { limit: 1 })
    return found?.id ?? name
  }

  route('post', `${PREFIX}/partners`, async ({ caller, request }) => {
    const given = request(partnerRequest)
    const made = await partners.register(
      {
        ...{ id: given.partnerId, type: given.partnerType, organisation: given.organizationName },
        ...{ groupId: given.policyGroup ?? '', address: given.address ?? '', email: given.emailId ?? '' },
        contactNumber: given.contactNumber ?? '',
      },
      caller,
    )
    return { partnerId: made.id, status: MOSIP_STATES[made.state] }
  })

  route('get', `${PREFIX}/partners`, async ({ caller }) => {
    const own = caller.organisation === undefined ? {} : { organisation: caller.organisation }
    return { partners: (await store.reads.partners.list(own)).map(partnerAnswer) }
  })

  route('get', `${PREFIX}/partners/:partnerId`, async ({ caller, param }) => {
    const found = await store.reads.partners.get(param('partnerId'))
    if (
      found === undefined ||
      (caller.organisation !== undefined && caller.organisation !== found.organisation)
    ) {
      throw new KeyhavenError('NOT_FOUND', `there is no partner ${param('partnerId')}`)
    }
    return partnerAnswer(found)
  })

  route('patch', `${PREFIX}/partners/:partnerId`, async ({ caller, param, request }) => {
    const active = isOn(request(statusRequest).status, 'Active', 'De-Active')
    await partners.setActive(param('partnerId'), active, 'by the partner manager', caller)
    return { message: `Partner is ${active ? 'activated' : 'deactivated'} successfully` }
  })

  route('post', `${PREFIX}/partners/certificate/ca/upload`, async ({ caller, request, now }) => {
    const given = request(caRequest)
    await certificates.uploadAuthorities(given.partnerDomain, given.certificateData, caller)
    return { status: 'Upload Success.', timestamp: mosipTime(now) }
  })

  route('post', `${PREFIX}/partners/certificate/upload`, async ({ caller, request, now }) => {
    const given = request(certificateRequest)
    const made = await certificates.uploadCertificate(given.partnerId, given.certificateData, caller)
    return { signedCertificateData: given.certificateData, certificateId: made.id, timestamp: mosipTime(now) }
  })

  // MOSIP has none: data for partners of profile keyhaven is sealed to it.
  route('post', `${PREFIX}/partners/:partnerId/encryption-key`, async ({ caller, param, request }) => {
    const made = await partners.setEncryptionKey(
      param('partnerId'),
      request(encryptionKeyRequest).statement,
      caller,
    )
    return { partnerId: made.id, status: 'Upload Success.' }
  })

  route('get', `${PREFIX}/partners/:partnerId/certificate`, async ({ caller, param, now }) => ({
    certificateData: await certificates.pem(param('partnerId'), caller),
    timestamp: mosipTime(now),
  }))

  route('post', `${PREFIX}/partners/:partnerId/policy/map`, async ({ caller, param, request }) => {
    const { policyName, useCaseDescription } = request(mappingRequest)
    const asked = {
      partnerId: param('partnerId'),
      policyId: await policyId(policyName),
      purpose: useCaseDescription,
    }
    const made = await partners.requestPolicy(asked, caller)
    return { mappingkey: made.id, message: 'Policy mapping request submitted successfully.' }
  })

  route('put', `${PREFIX}/partners/policy/:mappingkey`, async ({ caller, param, request }) => {
    const approve = isOn(request(statusRequest).status, 'Approved', 'Rejected')
    const decision = { approve, reason: 'by the partner manager' }
    const decided = await partners.decideSubscription(param('mappingkey'), decision, caller)
    return {
      mappingkey: decided.id,
      message: `Partner policy mapping is ${approve ? 'approved' : 'rejected'}`,
    }
  })

  route('patch', `${PREFIX}/partners/:partnerId/generate/apikey`, async ({ caller, param, request }) => {
    const { policyName, label } = request(apiKeyRequest)
    const wanted = { partnerId: param('partnerId'), policyId: await policyId(policyName), label }
    const { key, record } = await partners.issueApiKey(wanted, caller)
    return { apiKey: key, label: record.label, policyId: record.policyId, partnerId: record.partnerId }
  })

  route(
    'patch',
    `${PREFIX}/partners/:partnerId/policy/:policyId/apiKey/status`,
    async ({ caller, param, request }) => {
      const { label, status } = request(apiKeyStatusRequest)
      if (isOn(status, 'Active', 'De-Active'))
        throw new KeyhavenError('CONFLICT', 'an API key that was revoked stays so')
      const named = {
        partnerId: param('partnerId'),
        policyId: param('policyId'),
        label,
        state: 'active' as const,
      }
      const [found] = await store.reads.apiKeys.list(named, { limit: 1 })
      if (found === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such API key')
      await partners.revokeApiKey(found.id, 'by the partner manager', caller)
      return { message: 'Partner API key is deactivated' }
    },
  )

  route('post', `${PREFIX}/misps`, async ({ caller, request }) => {
    const { key, record } = await partners.issueLicence(
      { partnerId: request(licenceRequest).providerId },
      caller,
    )
    return licenceAnswer(record, key)
  })

  route('put', `${PREFIX}/misps`, async ({ caller, request }) => {
    const { providerId, licenseKeyStatus } = request(licenceStatusRequest)
    if (isOn(licenseKeyStatus, 'Active', 'De-Active')) {
      throw new KeyhavenError('CONFLICT', 'a licence key that was revoked stays so')
    }
    const revoked: Licence[] = []
    for (const { id } of await store.reads.licences.list({ partnerId: providerId, state: 'active' })) {
      revoked.push(await partners.revokeLicence(id, 'by the partner manager', caller))
    }
    const [last] = revoked
    if (last === undefined) throw new KeyhavenError('NOT_FOUND', 'this MISP has no licence')
    return licenceAnswer(last, null)
  })
}

function partnerAnswer(partner: Partner): object {
  return {
    partnerID: partner.id,
    partnerType: partner.type,
    organizationName: partner.organisation,
    policyGroup: partner.groupId,
    ...{ emailId: partner.email, contactNumber: partner.contactNumber, address: partner.address },
    status: MOSIP_STATES[partner.state],
    isActive: partner.state === 'active',
  }
}

/** @param licenseKey - null: it was shown when it was made. */
function licenceAnswer({ partnerId, state, expiresAt }: Licence, licenseKey: string | null): object {
  return {
    ...{ providerId: partnerId, licenseKey, licenseKeyExpiry: mosipTime(expiresAt) },
    licenseKeyStatus: state === 'active' ? 'ACTIVE' : 'INACTIVE',
  }
}

/** One of MOSIP's two words, in any case of letters. */
function isOn(status: string, on: string, off: string): boolean {
  const given = status.toLowerCase()
  if (given === on.toLowerCase()) return true
  if (given === off.toLowerCase()) return false
  throw new KeyhavenError('INPUT_INVALID', `status: ${on} or ${off}`)
}
