// Names and limits without any of the code behind them: a server whose identity capability is off loads no
// more.
export { KEY_LIFETIME_DAYS_DEFAULT, KEY_LIFETIME_DAYS_MAX } from './partners/key-lifetime.ts'
export {
  PARTNER_DOMAINS,
  PARTNER_TYPE_NAMES,
  type PartnerDomain,
  type PartnerType,
} from './partners/partner-types.ts'
export { POLICY_TYPES, type PolicyType } from './policy/policy-document.ts'
export { PROFILES, type Profile } from './profile.ts'
