import { backend, fromBase64, fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { readAnswer } from '../http/read-answer.ts'
import type { JwsSigner } from '../mosip/jws.ts'
import { signDetachedJws } from '../mosip/jws.ts'
import { parseCertificates } from '../x509/parse-certificate.ts'
import type {
  AuthAnswerBody,
  AuthClaims,
  AuthKind,
  AuthResponse,
  KycResponse,
  OtpResponse,
} from './auth-messages.ts'
import { RESPONSE_SIGNATURE_HEADER, SIGNATURE_HEADER } from './auth-messages.ts'
import { createIdaTrust } from './ida-trust.ts'
import { keyhavenWire } from './keyhaven-wire.ts'
import { mosipWire } from './mosip-wire.ts'
import type {
  AuthenticateOptions,
  AuthenticationResult,
  KycOptions,
  OtpResult,
  RelyingParty,
  RelyingPartyOptions,
  Subject,
} from './relying-party-options.ts'
import type { RelyingPartyContext, RequestHead } from './relying-party-wire.ts'
import { requestDigest } from './request-digest.ts'

/** As long as MOSIP's own. */
const TRANSACTION_ID_CHARACTERS = 10
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
/** Larger answers than any eKYC: a photo and a few attributes. */
const MAX_ANSWER_BYTES = 8 * 1_024 * 1_024
const TIMEOUT_MS = 30_000

/**
 * A relying party of ID authentication. It signs what it asks, encrypts it to IDA's certificate, and believes
 * only what IDA has signed.
 *
 * @throws KeyhavenError `CERTIFICATE_INVALID`, `WIRE_MALFORMED` on a key or certificate that does not parse.
 */
export async function createRelyingParty(options: RelyingPartyOptions): Promise<RelyingParty> {
  const { clock = Date.now, fetch = globalThis.fetch, partnerId, licenceKey, apiKey } = options
  const url = options.url.replace(/\/$/, '')
  const [certificate, ...chain] = parseCertificates(options.certificate)
  if (certificate === undefined) throw new TypeError('certificate: no certificate')
  const privateKey = await backend.rsa.importPrivateKey(pemBody(options.privateKey))
  const signer: JwsSigner = {
    certificate,
    chain,
    sign: (data) => backend.rsa.signPkcs1(privateKey, data),
  }
  const trust = createIdaTrust(options.idaRoots, clock)
  const context: RelyingPartyContext = { options, url, fetch, clock, trust, certificate, privateKey }
  const wire = (options.profile ?? 'mosip') === 'mosip' ? mosipWire(context) : keyhavenWire(context)

  async function call<T>(kind: Exclude<AuthKind, 'internal'>, body: object): Promise<AuthAnswerBody<T>> {
    const text = JSON.stringify(body)
    const requestSignature = await signDetachedJws(signer, text)
    const path = [licenceKey, partnerId, apiKey].map(encodeURIComponent).join('/')
    const answer = await fetch(`${url}/idauthentication/v1/${kind}/${path}`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        [SIGNATURE_HEADER]: requestSignature,
      },
      body: text,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new KeyhavenError('UPSTREAM_FAILED', 'IDA does not answer', { cause })
    })
    const bytes = await readAnswer(answer, MAX_ANSWER_BYTES).catch((cause: unknown) => {
      if (cause instanceof KeyhavenError) throw cause
      throw new KeyhavenError('UPSTREAM_FAILED', 'IDA’s answer was cut', { cause })
    })
    const answered = fromUtf8(bytes)
    const signature = answer.headers.get(RESPONSE_SIGNATURE_HEADER)
    const bound = options.profile === 'keyhaven'
    await trust.verifyAnswer(signature, answered, await requestDigest(requestSignature), bound)
    const parsed = JSON.parse(answered) as AuthAnswerBody<T>
    // Signed once for another request of ours, it is no answer to this one.
    if (parsed.transactionID !== (body as { transactionID: string }).transactionID) {
      throw new KeyhavenError('SIGNATURE_INVALID', 'the answer is to another request')
    }
    return parsed
  }

  const head = (subject: Subject): RequestHead => ({
    transactionId: subject.transactionId ?? newTransactionId(),
    requestTime: new Date(clock()).toISOString(),
    id: subject.id,
    idType: subject.idType ?? 'UIN',
  })

  const claimsOf = ({ requestTime }: RequestHead, given: AuthenticateOptions): AuthClaims => ({
    timestamp: requestTime,
    ...(given.otp === undefined ? {} : { otp: given.otp }),
    ...(given.demographics === undefined ? {} : { demographics: given.demographics }),
    ...(given.biometrics === undefined ? {} : { biometrics: given.biometrics }),
  })

  return {
    newTransactionId,
    async authenticate(given) {
      const request = head(given)
      const body = await wire.request('auth', request, claimsOf(request, given), { consent: true })
      const answer = await call<AuthResponse>('auth', body)
      return resultOf(request, answer, answer.response?.authStatus === true, answer.response)
    },
    async kyc(given: KycOptions) {
      const request = head(given)
      const body = await wire.request('kyc', request, claimsOf(request, given), given)
      const answer = await call<KycResponse>('kyc', body)
      const { response } = answer
      const result = resultOf(request, answer, response?.kycStatus === true, response)
      if (!result.authenticated || response === null) return result
      return { ...result, identity: await wire.openKyc(request, response) }
    },
    async requestOtp(given): Promise<OtpResult> {
      const request = head(given)
      const answer = await call<OtpResponse>('otp', await wire.otp(request, given.channels))
      const { response } = answer
      return {
        sent: response !== null,
        transactionId: request.transactionId,
        ...(response?.maskedEmail ? { maskedEmail: response.maskedEmail } : {}),
        ...(response?.maskedMobile ? { maskedMobile: response.maskedMobile } : {}),
        errors: answer.errors ?? [],
      }
    },
  }
}

function resultOf(
  { transactionId }: RequestHead,
  { errors }: AuthAnswerBody<unknown>,
  authenticated: boolean,
  response: { readonly authToken: string | null } | null,
): AuthenticationResult {
  const token = response?.authToken ?? undefined
  return { authenticated, transactionId, errors: errors ?? [], ...(token === undefined ? {} : { token }) }
}

/** Uniform: bytes that would favour some characters are drawn anew. */
function newTransactionId(): string {
  const limit = 256 - (256 % ALPHABET.length)
  let id = ''
  while (id.length < TRANSACTION_ID_CHARACTERS) {
    const [byte = limit] = backend.randomBytes(1)
    if (byte < limit) id += ALPHABET[byte % ALPHABET.length]
  }
  return id
}

/** The bytes between the lines of a PEM. @throws KeyhavenError `WIRE_MALFORMED` */
function pemBody(pem: string): Uint8Array {
  return fromBase64(pem.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''))
}
