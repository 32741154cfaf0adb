export {
  AUTH_REQUEST_IDS,
  type AuthClaims,
  type AuthErrorBody,
  type AuthIdType,
  type AuthKind,
  type AuthRequestBody,
  type BiometricBlock,
  type Demographics,
  type LanguageValue,
  OTP_CHANNELS,
  type OtpChannel,
  RESPONSE_SIGNATURE_HEADER,
  SIGNATURE_HEADER,
} from './authentication/auth-messages.ts'
export {
  type AuthoritiesUpdate,
  CA_CERTIFICATE_UPLOADED,
  PARTNER_UPDATED,
  type PartnerUpdate,
  type PolicyUpdate,
} from './authentication/partner-update.ts'
export { createRelyingParty } from './authentication/relying-party.ts'
export type {
  AuthenticateOptions,
  AuthenticationResult,
  KycOptions,
  KycResult,
  OtpOptions,
  OtpResult,
  RelyingParty,
  RelyingPartyOptions,
} from './authentication/relying-party-options.ts'
export { sealAuthClaims } from './authentication/seal-auth-request.ts'
export type { BiometricMatcher, MatchResult } from './biometrics/biometric-matcher.ts'
export type { Bir, BirLevel, BirPurpose, CbeffRecord } from './biometrics/bir.ts'
export { encodeCbeff } from './biometrics/encode-cbeff.ts'
export {
  BIOMETRIC_TYPES,
  type BiometricType,
  bioAttributeOf,
  FINGER_SUBTYPES,
  IRIS_SUBTYPES,
  isBiometricType,
  isSubtypeOf,
} from './biometrics/modality.ts'
export { parseCbeff } from './biometrics/parse-cbeff.ts'
export {
  READ_PROOF_HEADER,
  READ_PROOF_SECONDS,
  type ReadProof,
  signRead,
  verifyRead,
} from './datashare/read-proof.ts'
export { type OpenedShare, openShare, type ShareBinding } from './datashare/sealed-share.ts'
export { SHARE_SIGNATURE_HEADER, type ShareFacts, verifyShare } from './datashare/share-signature.ts'
export {
  type BioValueContext,
  bioValueNonces,
  openBioValue,
  type SealedBioValue,
  sealBioValue,
} from './device/bio-value.ts'
export type {
  CaptureData,
  CaptureItem,
  CapturePurpose,
  CaptureRequest,
  CaptureResponse,
  DeviceLevel,
  DigitalId,
} from './device/capture.ts'
export { birOfCapture, signedCaptureOf } from './device/capture-evidence.ts'
export { createCaptureMemory } from './device/capture-memory.ts'
export { type DeviceTrust, trustDevice } from './device/device-trust.ts'
export { type HashChain, hashChain } from './device/hash-chain.ts'
export {
  CAPTURE_CLOCK_SKEW_MS,
  CAPTURE_LIFETIME_MS,
  type CaptureChecks,
  type CapturedBiometric,
  type CaptureMemory,
  verifyCapture,
} from './device/verify-capture.ts'
export {
  EVENT_SIGNATURE_HEADER,
  type EventModel,
  HUB_SIGNATURE_HEADER,
  type IdentityEvent,
  MAX_EVENT_BYTES,
  openEvent,
  type ReceivedEvent,
  signEvent,
  verifyHubSignature,
} from './events/event-model.ts'
export type {
  AesModuleKey,
  IdentityKeyInfo,
  IdentityKeyPage,
  IdentityKeys,
  IdentitySignature,
  MasterKey,
  ModuleKeyHandle,
  ModuleKeyKind,
  ModuleKeys,
  RsaModuleKey,
} from './keys/identity-keys.ts'
export { type KeyName, keyName, keyNameText, parseKeyName } from './keys/key-name.ts'
export {
  findKeyEntry,
  IDA_SIGN,
  IDENTITY_CACHE,
  KERNEL_SIGN,
  KEY_TREE,
  type KeyEntry,
  type KeyHolder,
  type KeyRole,
  keyEntry,
} from './keys/key-tree.ts'
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
  readJwsHeader,
  signDetachedJws,
  signJwt,
  type VerifiedJws,
  verifyDetachedJws,
  verifyJwt,
} from './mosip/jws.ts'
export { openKeyAtRest, sealKeyAtRest } from './mosip/key-at-rest.ts'
export { openWithPin, PIN_ITERATIONS, sealWithPin } from './mosip/pin.ts'
export {
  type Recipient,
  SESSION_KEY_BYTES,
  type SessionKeyOpener,
  unwrapOrRandom,
} from './mosip/session-key.ts'
export { TOKEN_ID_DIGITS, type TokenIdInput, tokenId } from './mosip/token-id.ts'
export { openWithTrailingIv, sealWithTrailingIv } from './mosip/trailing-iv.ts'
export { createOprfHttp, type OprfHttpOptions } from './oprf/http-transport.ts'
export {
  createOprfClient,
  type OprfAsk,
  type OprfClient,
  type OprfClientOptions,
  type OprfKeyMemory,
} from './oprf/oprf-client.ts'
export {
  decodeOprfOrders,
  type OprfEvaluateAnswer,
  type OprfEvaluateBody,
  type OprfOrder,
  type OprfPublicKey,
  type OprfReason,
  type OprfTransport,
  type PartnerSignedRequest,
} from './oprf/oprf-wire.ts'
export { OPRF_SUITE } from './oprf/voprf.ts'
export { type BuildOptions, type BuiltPacket, buildPacket, type PacketKeys } from './packet/build-packet.ts'
export { type IdSchema, type IdSchemaField, parseIdSchema, type SubPacketName } from './packet/id-schema.ts'
export { inspectPacket, type PacketOutside } from './packet/inspect-packet.ts'
export {
  buildKeyhavenPacket,
  type KeyhavenPacketKeys,
  type PacketStream,
} from './packet/keyhaven/build-keyhaven-packet.ts'
export { type OpenKeyhavenPacketOptions, openKeyhavenPacket } from './packet/keyhaven/open-keyhaven-packet.ts'
export { type MachineKey, openOnMachine, sealForMachine, softwareMachineKey } from './packet/machine-key.ts'
export { machineOpener, machineRecipient } from './packet/machine-opener.ts'
export { type MachineRecord, signMachineRecord, verifyMachineRecord } from './packet/machine-record.ts'
export { type OpenedPacket, type OpenPacketOptions, openPacket } from './packet/open-packet.ts'
export type { PacketDocument, PacketInput, PacketProgress } from './packet/packet-input.ts'
export { MAX_PACKET_BYTES } from './packet/packet-layer.ts'
export {
  createRegistrationClient,
  type OperatorSession,
  REGISTRATION_OFFICER,
  type RegistrationClient,
  type RegistrationClientOptions,
  type RegistrationInput,
  type RegistrationKeys,
  type RegistrationPacket,
} from './packet/registration-client.ts'
export {
  createRid,
  packetFileName,
  parsePacketFileName,
  refIdOf,
  type Station,
} from './packet/registration-id.ts'
export { signEncryptionKey } from './partners/encryption-key.ts'
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
export { isFinalStage, REGISTRATION_STAGES, type RegistrationStage } from './registration/stages.ts'
export { drawUin, drawVid } from './repository/draw-identifier.ts'
export {
  type IdentifierRules,
  isUin,
  isVid,
  keepsRules,
  UIN_LENGTH,
  UIN_RULES,
  VID_LENGTH,
  VID_RULES,
} from './repository/identifier-rules.ts'
export { hasVerhoeffDigit, verhoeffDigit } from './repository/verhoeff.ts'
export { VID_POLICIES, VID_TYPES, type VidPolicy, type VidType } from './repository/vid-policy.ts'
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
