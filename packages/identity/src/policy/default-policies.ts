import type { PolicyType } from './policy-document.ts'

/** A policy that comes with the server, as MOSIP's database scripts ship it. */
export interface DefaultPolicy {
  readonly id: string
  readonly groupId: string
  readonly type: PolicyType
  /** As MOSIP writes it. */
  readonly document: object
}

const ADDRESS = ['addressLine1', 'addressLine2', 'addressLine3', 'region', 'province', 'city']
const PLAIN = ['phone', 'email']

interface Rules {
  readonly source: string
  readonly typeOfShare?: string
}

function shareRules({ source, typeOfShare = 'Data Share' }: Rules): object {
  return {
    typeOfShare,
    validForInMinutes: '30',
    transactionsAllowed: '2',
    encryptionType: 'Partner Based',
    shareDomain: 'datashare.datashare',
    source,
  }
}

function whole(name: string, encrypted: boolean): object {
  return { attributeName: name, source: [{ attribute: name }], encrypted }
}

function inEnglish(name: string): object {
  return {
    attributeName: name,
    source: [{ attribute: name, filter: [{ language: 'eng' }] }],
    encrypted: false,
  }
}

function biometrics(name: string, filter?: readonly object[]): object {
  return {
    attributeName: name,
    group: 'CBEFF',
    source: [{ attribute: 'individualBiometrics', ...(filter === undefined ? {} : { filter }) }],
    encrypted: true,
    format: 'extraction',
  }
}

const FACE_AND_THUMBS = [{ type: 'Face' }, { type: 'Finger', subType: ['Left Thumb', 'Right Thumb'] }]

/** What a printer's credential holds; the UIN stands on it. */
function credential(typeOfShare: string): object {
  return {
    dataSharePolicies: shareRules({ source: 'ID Repository', typeOfShare }),
    shareableAttributes: [
      inEnglish('fullName'),
      { ...whole('dateOfBirth', false), format: 'YYYY' },
      inEnglish('gender'),
      ...PLAIN.map((name) => whole(name, false)),
      ...ADDRESS.map(inEnglish),
      whole('UIN', false),
      whole('postalCode', false),
      biometrics('biometrics', FACE_AND_THUMBS),
    ],
  }
}

const DEMOGRAPHICS = ['fullName', 'dateOfBirth', 'gender', ...PLAIN, ...ADDRESS, 'postalCode']

/**
 * All ways to authenticate, and the usual answers of eKYC (MOSIP: partner-management-services,
 * docs/auth_policy).
 */
const RELYING_PARTY = {
  authTokenType: 'policy',
  allowedKycAttributes: ['fullName', 'gender', 'residenceStatus', 'dateOfBirth', 'photo'].map(
    (attributeName) => ({
      attributeName,
    }),
  ),
  allowedAuthTypes: [
    ...['IRIS', 'FINGER', 'FACE'].map((authSubType) => ({ authSubType, authType: 'bio', mandatory: false })),
    ...['otp', 'otp-request', 'kyc', 'demo'].map((authType) => ({
      authSubType: '',
      authType,
      mandatory: false,
    })),
  ],
}

/**
 * MOSIP's default policies (mosip_pms, pms-auth_policy.csv), with what this server refuses put right:
 * adjudication gets its data encrypted, twice and not 100,000 times; ABIS and adjudication get the biometrics
 * of the registration client, since the second source of MOSIP's rows is one country's.
 */
export const DEFAULT_POLICIES: readonly DefaultPolicy[] = [
  {
    id: 'mpolicy-default-auth',
    groupId: 'mpolicygroup-default-auth',
    type: 'DataShare',
    document: {
      dataSharePolicies: shareRules({ source: 'ID Repository' }),
      shareableAttributes: [
        ...DEMOGRAPHICS.map((name) => whole(name, true)),
        whole('zone', true),
        whole('preferredLang', false),
        biometrics('individualBiometrics'),
      ],
    },
  },
  {
    id: 'mpolicy-default-abis',
    groupId: 'mpolicygroup-default-abis',
    type: 'DataShare',
    document: {
      dataSharePolicies: shareRules({ source: 'Packet Manager' }),
      shareableAttributes: [biometrics('biometrics')],
    },
  },
  ...['qrcode', 'euin', 'reprint'].map((name) => ({
    id: `mpolicy-default-${name}`,
    groupId: 'mpolicygroup-default-print',
    type: 'DataShare' as const,
    document: credential('Data Share'),
  })),
  {
    id: 'mpolicy-default-resident',
    groupId: 'mpolicygroup-default-resident',
    type: 'DataShare',
    document: { dataSharePolicies: shareRules({ source: 'Print' }), shareableAttributes: [] },
  },
  {
    id: 'mpolicy-default-adjudication',
    groupId: 'mpolicygroup-default-adjudication',
    type: 'DataShare',
    document: {
      dataSharePolicies: shareRules({ source: 'Packet Manager' }),
      shareableAttributes: [biometrics('biometrics'), ...DEMOGRAPHICS.map((name) => whole(name, true))],
    },
  },
  {
    id: 'mpolicy-default-relying-party',
    groupId: 'mpolicygroup-default-relying-party',
    type: 'Auth',
    document: RELYING_PARTY,
  },
]
