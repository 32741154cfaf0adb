import { toBase64url } from '@keyhaven/crypto'
import type { AuthErrorBody, AuthKind } from '../../authentication/auth-messages.ts'
import { AUTH_REQUEST_IDS, AUTH_VERSION } from '../../authentication/auth-messages.ts'
import type { HpkeStatement } from '../../authentication/hpke-statement.ts'
import { idaError } from '../../authentication/ida-errors.ts'
import { KEYHAVEN_REQUEST_IDS, KEYHAVEN_VERSION } from '../../authentication/keyhaven-request.ts'
import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import type { AuthPolicy } from '../../policy/policy-document.ts'
import { createAnswerSigner, type SignedAnswer } from './answer-signer.ts'
import { createAttemptLimits } from './attempt-limits.ts'
import type { AuthenticationOptions } from './authentication-options.ts'
import { type CallerKeys, checkCaller } from './check-caller.ts'
import { typesOf } from './check-policy.ts'
import { checkSignature } from './check-signature.ts'
import { type AskedCaller, type DecisionParts, decideRequest } from './decide-request.ts'
import { createDecoyPerson } from './decoy-person.ts'
import { createHpkeRequestKeys } from './hpke-request-keys.ts'
import { IdaRefusal } from './ida-refusal.ts'
import { keyhavenCodec } from './keyhaven-codec.ts'
import { mosipCodec } from './mosip-codec.ts'
import { type OpenedRequest, parseBody, transactionOf } from './opened-request.ts'
import { createPartnerView, type PartnerSnapshot } from './partner-view.ts'
import { createPersonTokens } from './person-tokens.ts'
import type { AuthenticationEnd } from './ports.ts'
import { createSubjectNames } from './subject-names.ts'

/** A no is answered at the end of the step of time in which it is known: small differences do not show. */
const NO_STEP_MS = 10

/** What a relying party sends: the keys of the address, the header, the very text of the body. */
export interface RelyingPartyCall {
  readonly keys: CallerKeys
  readonly signature: string | undefined
  readonly body: string
}

export interface AuthenticationService {
  /** Never throws for what is wrong with a call: that is in the answer, in MOSIP's words. */
  call(kind: Exclude<AuthKind, 'internal'>, call: RelyingPartyCall): Promise<SignedAnswer>
  /**
   * For services of the identity system (K19): no partner, all ways to authenticate. Undefined in profile `keyhaven`,
   * whose oblivious PRF looks nobody up but for a request that a partner has signed.
   *
   * @param actor - `token:…`.
   */
  readonly internal: ((actor: string, body: string) => Promise<SignedAnswer>) | undefined
  /** Signed statement of the HPKE key of profile `keyhaven`; undefined in the other. */
  hpkeStatement(): Promise<string | undefined>
}

interface Identified {
  readonly actor: string
  readonly partnerId: string | undefined
  readonly caller: AskedCaller
  readonly proof: PartnerSignedRequest | undefined
  readonly snapshot: PartnerSnapshot
}

type Outcome = Pick<AuthenticationEnd, 'result' | 'token' | 'failed'> & {
  readonly response: object | null
  readonly errors: readonly AuthErrorBody[]
}

/** Internal use asks for a yes or no, with whatever proves it. */
const INTERNAL_POLICY: AuthPolicy = {
  allowedAuthTypes: ['otp', 'demo', 'bio'].map((authType) => ({
    authType,
    authSubType: '',
    mandatory: false,
  })),
  allowedKycAttributes: [],
  authTokenType: 'partner',
}

export async function createAuthenticationService(
  options: AuthenticationOptions,
): Promise<AuthenticationService> {
  const { application, profile, keys, secrets, store, clock } = options
  const view = createPartnerView(store)
  const requestKeys = createHpkeRequestKeys(secrets.requestKey, application, clock)
  const codec = profile === 'mosip' ? mosipCodec(keys) : keyhavenCodec(requestKeys, application)
  const signer = createAnswerSigner(keys)
  const parts: DecisionParts = {
    options,
    codec,
    names: createSubjectNames(secrets.subjectKey, application),
    limits: createAttemptLimits(),
    decoy: createDecoyPerson(),
    tokens: createPersonTokens(secrets.tokenKey, application, profile),
  }

  /** Decides, records, answers. What was recorded is durable before it is answered. */
  async function answer(
    kind: AuthKind,
    { body, signature }: Pick<RelyingPartyCall, 'body' | 'signature'>,
    identify: () => Promise<Identified>,
  ) {
    const startedAt = options.monotonic()
    let who: Identified | undefined
    let request: OpenedRequest | undefined
    let outcome: Outcome
    let endAttempt = () => {}
    try {
      who = await identify()
      request = await codec.open(kind, parseBody(body), who.partnerId, clock())
      const { yes, ...decision } = await decideRequest(parts, { kind, ...who, request }, (end) => {
        endAttempt = end
      })
      outcome = { ...decision, result: yes ? 'yes' : 'no' }
    } catch (error) {
      outcome = refusedOutcome(error)
    }
    // Before a caller is known there is nobody to whom a refusal belongs.
    if (who !== undefined) outcome = await record(kind, who.actor, request, outcome)
    endAttempt()
    if (outcome.result !== 'yes') await untilStep(startedAt)
    const said = {
      ...(profile === 'mosip' || kind === 'internal'
        ? { id: AUTH_REQUEST_IDS[kind], version: AUTH_VERSION }
        : { id: KEYHAVEN_REQUEST_IDS[kind], version: KEYHAVEN_VERSION }),
      responseTime: new Date(clock()).toISOString(),
      transactionID: request?.transactionId ?? transactionOf(body),
      response: outcome.response,
      errors: outcome.errors.length === 0 ? null : outcome.errors,
    }
    return signer.answer(said, signature)
  }

  async function record(
    kind: AuthKind,
    actor: string,
    request: OpenedRequest | undefined,
    outcome: Outcome,
  ): Promise<Outcome> {
    const { result, token, failed } = outcome
    const errors = [...new Set(outcome.errors.map(({ errorCode }) => errorCode))]
    const types = request === undefined ? [] : typesOf(request)
    try {
      await store.end({ id: options.newId(), kind, actor, result, types, errors, token, failed })
      return outcome
    } catch (error) {
      // What is not on record is not given out.
      return refusedOutcome(error)
    }
  }

  function refusedOutcome(error: unknown): Outcome {
    const refused = { result: 'refused', token: null, response: null, failed: [] } as const
    if (error instanceof IdaRefusal) {
      if (error.cause !== undefined) options.onError(error.cause)
      return { ...refused, errors: error.errors }
    }
    options.onError(error)
    return { ...refused, errors: [idaError('UNABLE_TO_PROCESS')] }
  }

  const internal = (actor: string, body: string): Promise<SignedAnswer> =>
    answer('internal', { body, signature: undefined }, async () => ({
      ...{ actor, partnerId: undefined, caller: internalCaller(actor), proof: undefined },
      snapshot: await view.current(),
    }))

  async function untilStep(startedAt: number): Promise<void> {
    const passed = options.monotonic() - startedAt
    await options.wait(Math.ceil(passed / NO_STEP_MS) * NO_STEP_MS - passed)
  }

  return {
    call(kind, { keys: callerKeys, signature, body }) {
      return answer(kind, { body, signature }, async () => {
        const snapshot = await view.current()
        const caller = await checkCaller(snapshot, callerKeys, kind, profile, clock())
        const proof = await checkSignature(caller, signature, body)
        const { partnerId } = caller
        return { actor: `partner:${partnerId}`, partnerId, caller, proof, snapshot }
      })
    },

    internal: profile === 'mosip' ? internal : undefined,

    async hpkeStatement() {
      if (profile === 'mosip') return undefined
      const { privateKey, notAfter } = await requestKeys.current()
      const key = toBase64url(privateKey.publicKey.bytes)
      const statement: HpkeStatement = { v: 1, application, kem: 'x-wing', key, notAfter }
      return signer.statement(JSON.stringify(statement))
    },
  }
}

/** @param actor - stands in the place of a partner, for its tokens and failures. */
function internalCaller(actor: string): AskedCaller {
  return { partnerId: actor, policyId: actor, policy: INTERNAL_POLICY }
}
