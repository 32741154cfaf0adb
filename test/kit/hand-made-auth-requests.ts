import { expect } from 'vitest'
import { toBase64url } from '../../packages/crypto/src/node/index.ts'
import {
  keyName,
  type PartnerUpdate,
  sealAuthClaims,
  signDetachedJws,
} from '../../packages/identity/src/index.ts'
import {
  API_KEY,
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  IDA_URL,
  LICENCE_KEY,
  MISP_ID,
  MISP_ORGANISATION,
  PARTNER_ID,
  sha256Hex,
} from './identity-authentication.ts'
import { personOf } from './identity-vault.ts'

export const UIN = '7193064825'
export const MINUTE_MS = 60_000
export const DOB = { dob: String(personOf(UIN).identity.dateOfBirth) }

export type Body = Record<string, unknown>

export interface Sent {
  readonly text?: (text: string) => string
  readonly keys?: Partial<Record<'licence' | 'partner' | 'apiKey', string>>
  readonly signature?: string | null
  readonly kind?: string
}

/** A MISP that may delegate eKYC, too. */
export const FULL_MISP = {
  policies: [
    {
      ...{ id: 'p', version: 1, validUntil: null, type: 'MISP' as const },
      body: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
    },
  ],
}

/** Requests that are made by hand, so that one thing of each can be wrong. */
export function handMadeAuthRequests(world: () => AuthWorld) {
  /** A request as the client library makes it, to be changed before it is signed, or after. */
  async function requestBody(over: Body = {}, claims: Body = {}): Promise<Body> {
    const now = new Date(world().vault.now()).toISOString()
    const k20 = await world().vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))
    return {
      ...{ id: 'mosip.identity.auth', version: '1.0', transactionID: nextTransaction(), requestTime: now },
      ...{
        individualId: UIN,
        individualIdType: 'UIN',
        consentObtained: true,
        env: ENV,
        domainUri: DOMAIN_URI,
      },
      requestedAuth: { otp: false, demo: true, bio: false },
      ...(await sealAuthClaims(k20, { timestamp: now, demographics: DOB, ...claims } as never)),
      ...over,
    }
  }

  let transactions = 0
  function nextTransaction(): string {
    return `TXN${String(transactions++).padStart(7, '0')}`
  }

  async function send(body: Body, how: Sent = {}): Promise<{ codes: string[]; answer: Body; text: string }> {
    const text = JSON.stringify(body)
    const signature =
      how.signature === undefined ? await signDetachedJws(world().partner.signer, text) : how.signature
    const { licence = LICENCE_KEY, partner = PARTNER_ID, apiKey = API_KEY } = how.keys ?? {}
    const response = await world().fetch(
      new Request(`${IDA_URL}/idauthentication/v1/${how.kind ?? 'auth'}/${licence}/${partner}/${apiKey}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(signature === null ? {} : { signature }) },
        body: how.text?.(text) ?? text,
      }),
    )
    expect(response.headers.get('response-signature')).toMatch(/^[\w-]+\.\.[\w-]+$/)
    const answer = (await response.json()) as Body
    const errors = (answer.errors ?? []) as { errorCode: string }[]
    return { codes: errors.map(({ errorCode }) => errorCode), answer, text: JSON.stringify(answer.errors) }
  }

  const misp = (over: Partial<PartnerUpdate> = {}): PartnerUpdate => ({
    sequence: Date.now() + transactions++,
    partner: {
      ...{ id: MISP_ID, type: 'MISP_Partner', organisation: MISP_ORGANISATION, profile: 'mosip' },
      active: true,
    },
    certificate: { der: toBase64url(world().misp.certificate.der), chain: [] },
    ...{ encryptionKey: null, apiKeys: [] },
    policies: [
      {
        ...{ id: 'p', version: 1, validUntil: null, type: 'MISP' as const },
        body: { allowAuthRequestDelegation: true, allowKycRequestDelegation: false },
      },
    ],
    licences: [
      { hash: sha256Hex(LICENCE_KEY), active: true, expiresAt: world().vault.now() + 60 * MINUTE_MS },
    ],
    ...over,
  })

  return { requestBody, nextTransaction, send, misp }
}
