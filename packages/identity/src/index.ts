export type {
  AesModuleKey,
  IdentityKeyInfo,
  IdentityKeys,
  IdentitySignature,
  MasterKey,
  ModuleKeyHandle,
  ModuleKeyKind,
  ModuleKeys,
  RsaModuleKey,
} from './keys/identity-keys.ts'
export { type KeyName, keyName, keyNameText, parseKeyName } from './keys/key-name.ts'
export { fromAnyBase64, toBase64urlText } from './mosip/base64.ts'
export { fromHexDigest, machineKeyIndex, saltedDigest, upperHex, upperHexDigest } from './mosip/digest.ts'
export {
  type EnvelopeHead,
  type MosipError,
  type MosipRequest,
  type MosipResponse,
  mosipErrors,
  mosipRequest,
  mosipResponse,
  mosipTime,
  NO_HEAD,
  readEnvelope,
} from './mosip/envelope.ts'
export {
  type BesideHybrid,
  KEY_SPLITTER,
  openHybrid,
  sealLayoutA,
  sealLayoutB,
  sealLayoutC,
  THUMBPRINT_BYTES,
} from './mosip/hybrid.ts'
export { encryptJwe, openJwe } from './mosip/jwe.ts'
export {
  type JwsHeaderOptions,
  type JwsSigner,
  type JwsTrust,
  signDetachedJws,
  signJwt,
  type VerifiedJws,
  verifyDetachedJws,
  verifyJwt,
} from './mosip/jws.ts'
export { openWithPin, PIN_ITERATIONS, sealWithPin } from './mosip/pin.ts'
export {
  type Recipient,
  SESSION_KEY_BYTES,
  type SessionKeyOpener,
  unwrapOrRandom,
} from './mosip/session-key.ts'
export { TOKEN_ID_DIGITS, type TokenIdInput, tokenId } from './mosip/token-id.ts'
export { openWithTrailingIv, sealWithTrailingIv } from './mosip/trailing-iv.ts'
export {
  PARTNER_DOMAINS,
  PARTNER_TYPE_NAMES,
  type PartnerDomain,
  type PartnerType,
} from './partners/partner-types.ts'
export { DEFAULT_POLICIES, type DefaultPolicy } from './policy/default-policies.ts'
export { type FilteredData, filterAttributes } from './policy/filter-attributes.ts'
export { type PolicyLimits, parsePolicy } from './policy/parse-policy.ts'
export {
  type AuthPolicy,
  type DataSharePolicy,
  type MispPolicy,
  POLICY_TYPES,
  type PolicyBody,
  type PolicyType,
  UNLIMITED_READS,
} from './policy/policy-document.ts'
export { PROFILES, type Profile } from './profile.ts'
export {
  CREDENTIAL_TOPICS,
  type CredentialEvent,
  type CredentialTopic,
  decodeCredentialEvent,
  encodeCredentialEvent,
  type RandomKey,
  type VaultIdentifier,
} from './vault/credential-event.ts'
export type { Certificate, KeyUsageName } from './x509/certificate.ts'
export {
  type CertificateIssuer,
  type CertificateRequest,
  type DistinguishedName,
  issueCertificate,
} from './x509/issue-certificate.ts'
export { certificateToPem, parseCertificate, parseCertificates } from './x509/parse-certificate.ts'
export {
  type CertificatePurpose,
  type ChainExpectation,
  MIN_RSA_BITS,
  verifyChain,
} from './x509/verify-chain.ts'
export {
  type AuthoritiesUpdate,
  CA_CERTIFICATE_UPLOADED,
  PARTNER_UPDATED,
  type PartnerUpdate,
  type PolicyUpdate,
} from './authentication/partner-update.ts'
