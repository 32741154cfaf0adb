import { backend, utf8, Writer } from '@keyhaven/crypto'
import type { AuthErrorBody, AuthKind, KycResponse } from '../../authentication/auth-messages.ts'
import { idaError } from '../../authentication/ida-errors.ts'
import type { Bir } from '../../biometrics/bir.ts'
import { keyName } from '../../keys/key-name.ts'
import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import type { FoundPerson } from '../vault/ida-vault.ts'
import type { AttemptLimits } from './attempt-limits.ts'
import { otpSubject } from './attempt-limits.ts'
import type { AuthenticationOptions } from './authentication-options.ts'
import type { Caller } from './check-caller.ts'
import { checkBioPolicy, checkPolicy, typesOf } from './check-policy.ts'
import type { DecoyPerson } from './decoy-person.ts'
import { refuse } from './ida-refusal.ts'
import { kycIdentity, kycNames } from './kyc-identity.ts'
import { attributeOf, galleryNames, matchBiometrics, openBiometrics } from './match-biometrics.ts'
import { attributesFor, matchDemographics } from './match-demographics.ts'
import type { OpenedRequest } from './opened-request.ts'
import { REQUEST_SKEW_SECONDS, REQUEST_WINDOW_SECONDS } from './opened-request.ts'
import { checkOtp, OTP_ADDRESSES, sendersFor, sendOtp } from './otp.ts'
import type { PartnerSnapshot } from './partner-view.ts'
import type { createPersonTokens } from './person-tokens.ts'
import type { RequestCodec } from './request-codec.ts'
import { partnerSubject, type SubjectNames } from './subject-names.ts'

const BIOMETRIC_KEY = keyName('IDA', 'FIR')
const MS_PER_SECOND = 1_000
const MARKS_KEPT_MS = (REQUEST_WINDOW_SECONDS + 2 * REQUEST_SKEW_SECONDS) * MS_PER_SECOND
const TRANSACTION_LABEL = 'transaction'
const OTP_LABEL = 'otp transaction'
const SIGNATURE_LABEL = 'signature'
const CLAIMS_LABEL = 'sealed claims'

/** Under whose name and policy it is asked; for eKYC always a partner with a certificate. */
export type AskedCaller = Pick<Caller, 'partnerId' | 'policyId' | 'policy'> & Partial<Caller>

/** A request of a caller who may ask it. */
export interface AskedRequest {
  readonly kind: AuthKind
  readonly caller: AskedCaller
  readonly request: OpenedRequest
  /** Undefined for internal use. */
  readonly proof: PartnerSignedRequest | undefined
  readonly snapshot: PartnerSnapshot
}

/** What is answered, and what is kept of it. */
export interface Decision {
  readonly yes: boolean
  readonly errors: readonly AuthErrorBody[]
  readonly token: string | null
  readonly response: object
  /** Whose count of failures rises. */
  readonly failed: readonly string[]
}

export interface DecisionParts {
  readonly options: AuthenticationOptions
  readonly codec: RequestCodec
  readonly names: SubjectNames
  readonly limits: AttemptLimits
  readonly decoy: DecoyPerson
  readonly tokens: ReturnType<typeof createPersonTokens>
}

/**
 * Policy, device, replay, limits; then the person, just the attributes that are needed, and the comparison. For
 * somebody who is not here the same is done with a decoy.
 *
 * @param attempt - gets what ends the attempt, to be called when the decision is stored.
 * @throws IdaRefusal
 */
export async function decideRequest(
  parts: DecisionParts,
  asked: AskedRequest,
  attempt: (end: () => void) => void,
): Promise<Decision> {
  const { options, names, limits } = parts
  const { kind, caller, request } = asked
  checkPolicy(caller.policy, kind, request)
  const probe = await probeOf(parts, asked)
  const senders = kind === 'otp' ? sendersFor(request, options.senders) : []
  const person = await names.person(request.id)
  const partner = partnerSubject(caller.partnerId)
  const subjects = kind === 'otp' ? [otpSubject(person), otpSubject(partner), partner] : [person, partner]
  const marks = await marksOf(asked)
  const { fresh, failures } = await limits.reading(
    options.store.start({ marks, expiresAt: options.clock() + MARKS_KEPT_MS, subjects }),
  )
  if (!fresh) throw refuse('PARAMETER_INVALID', 'transactionID')
  attempt(limits.begin(subjects, failures, typesOf(request)))
  const found = await options.vault.find(request.id, asked.proof)
  try {
    const known = found !== undefined && isLive(found, options.clock()) ? found : undefined
    if (kind === 'otp') {
      const addresses = await open(parts, known, Object.values(OTP_ADDRESSES))
      const otpParts = { ...options, names }
      const response = await sendOtp(otpParts, caller, request, senders, addresses)
      return { yes: true, errors: [], token: null, response, failed: subjects.slice(0, 2) }
    }
    return await compare(parts, asked, known, probe, subjects)
  } finally {
    await found?.close()
  }
}

function isLive({ record }: FoundPerson, now: number): boolean {
  return record.state === 'active' && (record.expiresAt === null || record.expiresAt > now)
}

async function probeOf(
  { options }: DecisionParts,
  { caller, request, snapshot }: AskedRequest,
): Promise<Bir[]> {
  const { biometrics } = request.claims
  if (biometrics === undefined) return []
  const probe = await openBiometrics(biometrics, request, {
    trust: snapshot.deviceTrust,
    opener: options.keys.opener(BIOMETRIC_KEY),
    now: options.clock(),
  })
  checkBioPolicy(caller.policy, [...new Set(probe.map(({ type }) => type))])
  return probe
}

/** What may be seen once: the signature always, the transaction unless a one-time password goes on with it. */
async function marksOf({ kind, caller, request, proof }: AskedRequest): Promise<Uint8Array[]> {
  const { transactionId, claims } = request
  const mark = (label: string, value: Uint8Array) =>
    backend.sha256(new Writer().bytes8(utf8(label)).bytes16(value).done())
  const marks: Uint8Array[] = []
  if (proof !== undefined) marks.push(await mark(SIGNATURE_LABEL, proof.signature))
  const transaction = utf8(`${caller.partnerId} ${transactionId}`)
  if (kind === 'otp') marks.push(await mark(OTP_LABEL, transaction))
  else if (claims.otp === undefined) marks.push(await mark(TRANSACTION_LABEL, transaction))
  // Who sees them on their way could send them as his own.
  if (request.sealedFor !== undefined) marks.push(await mark(CLAIMS_LABEL, request.sealedFor))
  // A capture is bound to its transaction: no partner can bring another's.
  if (claims.biometrics !== undefined) marks.push(await mark(TRANSACTION_LABEL, utf8(transactionId)))
  return marks
}

async function open(
  { decoy, options }: DecisionParts,
  person: FoundPerson | undefined,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (person === undefined) {
    await options.vault.pretend(decoy.attributes(names))
    return new Map()
  }
  return person.open(names.filter((name) => person.record.attributes.includes(name)))
}

async function compare(
  parts: DecisionParts,
  { kind, caller, request }: AskedRequest,
  person: FoundPerson | undefined,
  probe: readonly Bir[],
  subjects: readonly string[],
): Promise<Decision> {
  const { options, names, decoy } = parts
  const { claims } = request
  const available = person?.record.attributes ?? probe.map(attributeOf)
  const gallery = galleryNames(probe, available)
  const wanted = attributesFor(claims.demographics ?? {})
  const values = await open(parts, person, [...wanted, ...gallery])
  const errors: AuthErrorBody[] = []
  if (claims.demographics !== undefined) {
    errors.push(...matchDemographics(claims.demographics, values, options.rules, options.clock()))
  }
  if (probe.length > 0) {
    const recorded = person
      ? gallery.flatMap((name) => values.get(name) ?? [])
      : gallery.map(() => decoy.template)
    errors.push(...(await matchBiometrics(options.matcher, probe, recorded)))
  }
  if (claims.otp !== undefined && !(await checkOtp({ ...options, names }, caller, request, claims.otp))) {
    errors.push(idaError('OTP_INVALID'))
  }
  const counted =
    errors.length > 0 ||
    person === undefined ||
    person.record.transactionsLeft === null ||
    (await person.use())
  if (errors.length > 0 || person === undefined || !counted) {
    return { yes: false, errors: orOtp(errors), token: null, response: answerNo(kind), failed: subjects }
  }
  return answerYes(parts, { kind, caller, request }, person)
}

/** A person who has only a right password, but is not here: the same as a wrong one. */
function orOtp(errors: readonly AuthErrorBody[]): readonly AuthErrorBody[] {
  return errors.length > 0 ? errors : [idaError('OTP_INVALID')]
}

function answerNo(kind: AuthKind): object {
  if (kind !== 'kyc') return { authStatus: false, authToken: null }
  return { kycStatus: false, authToken: null, sessionKey: null, identity: null, thumbprint: null }
}

async function answerYes(
  parts: DecisionParts,
  { kind, caller, request }: Pick<AskedRequest, 'kind' | 'caller' | 'request'>,
  person: FoundPerson,
): Promise<Decision> {
  const { policy, partnerId, policyId } = caller
  const token = await parts.tokens({ type: policy.authTokenType, partnerId, policyId }, person.record.token)
  const done = { yes: true, errors: [], token, failed: [] }
  if (kind !== 'kyc') return { ...done, response: { authStatus: true, authToken: token } }
  const allowed = kycNames(policy, request, person.record.attributes)
  const identity = kycIdentity(policy, allowed, await person.open(allowed))
  if (!isPartner(caller)) throw refuse('KYC_NOT_ALLOWED')
  const sealed = await parts.codec.sealKyc(caller, request, identity)
  const response: KycResponse = { kycStatus: true, authToken: token, ...sealed }
  return { ...done, response }
}

function isPartner(caller: AskedCaller): caller is Caller {
  return caller.partner !== undefined && caller.certificate !== undefined
}
