import type { PolicyType } from '../policy/policy-document.ts'

/** Which certificate authorities count for a partner (MOSIP's partner domains). */
export const PARTNER_DOMAINS = ['AUTH', 'DEVICE', 'FTM'] as const
export type PartnerDomain = (typeof PARTNER_DOMAINS)[number]

interface PartnerTypeFacts {
  readonly domain: PartnerDomain
  /** The kind of policy that such a partner can ask for; undefined: none. */
  readonly policy: PolicyType | undefined
}

/** MOSIP's partner types (mosip_pms, pms-partner_type.csv), with what each is for. */
export const PARTNER_TYPES = {
  ABIS_Partner: { domain: 'AUTH', policy: 'DataShare' },
  Auth_Partner: { domain: 'AUTH', policy: 'Auth' },
  Credential_Partner: { domain: 'AUTH', policy: 'DataShare' },
  Device_Provider: { domain: 'DEVICE', policy: undefined },
  FTM_Provider: { domain: 'FTM', policy: undefined },
  MISP_Partner: { domain: 'AUTH', policy: 'MISP' },
  Manual_Adjudication: { domain: 'AUTH', policy: 'DataShare' },
  Online_Verification_Partner: { domain: 'AUTH', policy: 'DataShare' },
  Print_Partner: { domain: 'AUTH', policy: 'DataShare' },
} as const satisfies Record<string, PartnerTypeFacts>

export type PartnerType = keyof typeof PARTNER_TYPES
export const PARTNER_TYPE_NAMES = Object.keys(PARTNER_TYPES) as readonly PartnerType[]

/** What a partner's type says of it. */
export function factsOfType(type: PartnerType): PartnerTypeFacts {
  return PARTNER_TYPES[type]
}
