import type { JsonAt } from './json-at.ts'
import { flag, items, members, oneOf, parseDocument, text, whole, wrong } from './json-at.ts'
import type {
  AttributeSource,
  AuthPolicy,
  DataSharePolicy,
  MispPolicy,
  PolicyBody,
  PolicyType,
  ShareableAttribute,
  ShareRules,
} from './policy-document.ts'
import { AUTH_TOKEN_TYPES, ENCRYPTION_TYPES, UNLIMITED_READS } from './policy-document.ts'

export const MAX_SHARE_MINUTES = 527_040
export const MAX_SHARE_READS = 1_000_000
const MAX_ATTRIBUTES = 200
const MAX_SOURCES = 16
const MAX_FILTERS = 16
const MAX_SUBTYPES = 16
/** The only group that MOSIP gives a meaning: biometrics. */
export const CBEFF_GROUP = 'CBEFF'
/** Of biometrics: templates in place of images. */
export const EXTRACTION = 'extraction'
/** Of a date: what is left of it, in the order of the letters. */
const DATE_FORMAT = /^(?=.*(y{4}|m{2}|d{2}))(y{4}|m{2}|d{2}|[-/. ])+$/i
const AUTH_TYPES = [
  'otp',
  'otp-request',
  'demo',
  'bio',
  'kyc',
  'pin',
  'kycauth',
  'kycexchange',
  'wla',
  'kbt',
  'pwd',
] as const
const BIO_SUBTYPES = ['FINGER', 'IRIS', 'FACE'] as const

export interface PolicyLimits {
  /** Whether a share may be read any number of times (`transactionsAllowed` "-1"). */
  readonly unlimitedReads: boolean
}

/**
 * Checks a policy, whole: nothing in it is taken for something else.
 *
 * @param document - JSON text, or what it says.
 * @throws KeyhavenError `INPUT_INVALID` with the JSON pointer of what is wrong and what is expected there.
 */
export function parsePolicy<T extends PolicyType>(
  type: T,
  document: unknown,
  limits: PolicyLimits,
): PolicyBody & { readonly type: T }
export function parsePolicy(type: PolicyType, document: unknown, limits: PolicyLimits): PolicyBody {
  const at = typeof document === 'string' ? parseDocument(document) : { value: document, path: '' }
  if (type === 'DataShare') return { type, body: dataShare(at, limits) }
  if (type === 'Auth') return { type, body: auth(at) }
  return { type, body: misp(at) }
}

function dataShare(at: JsonAt, limits: PolicyLimits): DataSharePolicy {
  const { dataSharePolicies, shareableAttributes } = members(at, ['dataSharePolicies', 'shareableAttributes'])
  const attributes = items(shareableAttributes, MAX_ATTRIBUTES).map(attribute)
  const names = new Set<string>()
  attributes.forEach(({ attributeName }, index) => {
    const place = { value: attributeName, path: `/shareableAttributes/${index}/attributeName` }
    if (names.has(attributeName)) wrong(place, 'a name that is not in the list before')
    names.add(attributeName)
  })
  const rules = shareRules(dataSharePolicies, limits)
  if (rules.encryptionType === 'none' && attributes.length > 0) {
    const place = { value: 'none', path: '/dataSharePolicies/encryptionType' }
    wrong(place, '"Partner Based": attributes of a person are never shared in the clear')
  }
  return { dataSharePolicies: rules, shareableAttributes: attributes }
}

function shareRules(at: JsonAt, { unlimitedReads }: PolicyLimits): ShareRules {
  const rules = members(
    at,
    ['typeOfShare', 'validForInMinutes', 'transactionsAllowed', 'encryptionType', 'shareDomain', 'source'],
    ['shareDomainUrlWrite', 'shareDomainUrlRead', 'protocol'],
  )
  const reads = whole(rules.transactionsAllowed, UNLIMITED_READS, MAX_SHARE_READS)
  if (reads === 0 || (reads === UNLIMITED_READS && !unlimitedReads)) {
    wrong(
      rules.transactionsAllowed,
      `a number of reads from 1 to ${MAX_SHARE_READS}; this server allows no unlimited ones`,
    )
  }
  return {
    typeOfShare: text(rules.typeOfShare),
    validForInMinutes: whole(rules.validForInMinutes, 1, MAX_SHARE_MINUTES),
    transactionsAllowed: reads,
    encryptionType: oneOf(rules.encryptionType, ENCRYPTION_TYPES),
    shareDomain: text(rules.shareDomain),
    source: text(rules.source),
  }
}

function attribute(at: JsonAt): ShareableAttribute {
  const given = members(at, ['attributeName', 'source', 'encrypted'], ['group', 'format'])
  const group = given.group.value === undefined ? undefined : oneOf(given.group, [CBEFF_GROUP])
  const format = given.format.value === undefined ? undefined : text(given.format)
  if (format !== undefined) {
    const known = group === undefined ? DATE_FORMAT.test(format) : format === EXTRACTION
    if (!known)
      wrong(given.format, group === undefined ? 'parts of a date, such as "YYYY"' : `"${EXTRACTION}"`)
  }
  return {
    attributeName: text(given.attributeName),
    ...(group === undefined ? {} : { group }),
    source: nonEmpty(given.source, items(given.source, MAX_SOURCES)).map((source) => sourceOf(source, group)),
    encrypted: flag(given.encrypted),
    ...(format === undefined ? {} : { format }),
  }
}

function sourceOf(at: JsonAt, group: string | undefined): AttributeSource {
  const given = members(at, ['attribute'], ['filter'])
  const attribute = text(given.attribute)
  if (given.filter.value === undefined) return { attribute }
  const filter = nonEmpty(given.filter, items(given.filter, MAX_FILTERS)).map((one) => {
    if (group === undefined) return { language: text(members(one, ['language']).language) }
    const { type, subType } = members(one, ['type'], ['subType'])
    if (subType.value === undefined) return { type: text(type) }
    return {
      type: text(type),
      subType: nonEmpty(subType, items(subType, MAX_SUBTYPES)).map((part) => text(part)),
    }
  })
  return { attribute, filter }
}

function auth(at: JsonAt): AuthPolicy {
  const given = members(at, ['allowedAuthTypes', 'allowedKycAttributes', 'authTokenType'], ['kycLanguages'])
  const languages =
    given.kycLanguages.value === undefined ? undefined : items(given.kycLanguages, MAX_FILTERS)
  return {
    allowedAuthTypes: nonEmpty(given.allowedAuthTypes, items(given.allowedAuthTypes, MAX_ATTRIBUTES)).map(
      (type) => {
        const { authType, authSubType, mandatory } = members(type, ['authType', 'mandatory'], ['authSubType'])
        const name = oneOf(authType, AUTH_TYPES)
        const part = authSubType.value === undefined ? '' : text(authSubType, 0)
        return {
          authType: name,
          authSubType: part === '' || name !== 'bio' ? part : oneOf(authSubType, BIO_SUBTYPES),
          mandatory: flag(mandatory),
        }
      },
    ),
    allowedKycAttributes: items(given.allowedKycAttributes, MAX_ATTRIBUTES).map((kyc) => ({
      attributeName: text(members(kyc, ['attributeName']).attributeName),
    })),
    authTokenType: oneOf(given.authTokenType, AUTH_TOKEN_TYPES),
    ...(languages === undefined ? {} : { kycLanguages: languages.map((language) => text(language)) }),
  }
}

function misp(at: JsonAt): MispPolicy {
  const given = members(
    at,
    ['allowAuthRequestDelegation', 'allowKycRequestDelegation'],
    ['trustBindedAuthVerificationToken', 'allowKeyBindingDelegation'],
  )
  return {
    allowAuthRequestDelegation: flag(given.allowAuthRequestDelegation),
    allowKycRequestDelegation: flag(given.allowKycRequestDelegation),
  }
}

function nonEmpty(at: JsonAt, list: JsonAt[]): JsonAt[] {
  return list.length > 0 ? list : wrong(at, 'at least one item')
}
