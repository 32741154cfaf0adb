import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { MAX_OPRF_ELEMENTS, OPRF_ELEMENT_BYTES, OPRF_PROOF_BYTES, type OprfEvaluation } from './voprf.ts'

const DIGEST_BYTES = 32
/** RSA-8192. */
const MAX_SIGNATURE_BYTES = 1_024
const MAX_CERTIFICATES = 8
const MAX_CERTIFICATE_BYTES = 16_384
const MAX_ORDER_CHARACTERS = 65_536

/** Why the oblivious PRF is asked about a person: the hash of what a partner has signed. */
export interface PartnerSignedRequest {
  /** SHA-256 of the JWS signing input (header, dot, payload), 32 bytes: it says nothing of the id. */
  readonly digest: Uint8Array
  /** RSASSA-PKCS1-v1_5 over it. */
  readonly signature: Uint8Array
  /** The partner's certificate, and those between it and the anchor, DER. */
  readonly certificates: readonly Uint8Array[]
}

export type OprfReason =
  | ({ readonly kind: 'authentication' } & PartnerSignedRequest)
  /** Compact JWS of the issuer over an {@link IssuanceOrder}. */
  | { readonly kind: 'issuance'; readonly order: string }

/** One evaluation that is asked for, with what entitles to it. */
export interface OprfOrder {
  /** Blinded element, 32 bytes. */
  readonly element: Uint8Array
  readonly reason: OprfReason
}

/** What the issuer signs: it names the blinded element, so that it is good for no other. */
export interface IssuanceOrder {
  readonly v: 1
  readonly application: string
  /** base64url of the blinded element. */
  readonly element: string
  /** Credential request's id. */
  readonly request: string
  /** Seconds since the epoch. */
  readonly iat: number
}

export interface OprfPublicKey {
  readonly version: number
  /** Element, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** How a client reaches the server; over HTTP: `POST /oprf/v1/evaluate`, `GET /oprf/v1/keys`. */
export interface OprfTransport {
  keys(): Promise<readonly OprfPublicKey[]>
  evaluate(version: number, orders: readonly OprfOrder[]): Promise<OprfEvaluation>
}

/** Body of `/oprf/v1/evaluate`. Bytes are base64url. */
export interface OprfEvaluateBody {
  readonly version: number
  readonly orders: readonly {
    readonly element: string
    readonly authentication?: {
      readonly digest: string
      readonly signature: string
      readonly certificates: readonly string[]
    }
    readonly issuance?: string
  }[]
}

/** Answer of `/oprf/v1/evaluate`. */
export interface OprfEvaluateAnswer {
  readonly version: number
  readonly evaluated: readonly string[]
  readonly proof: string
}

export function encodeOprfOrders(version: number, orders: readonly OprfOrder[]): OprfEvaluateBody {
  return {
    version,
    orders: orders.map(({ element, reason }) => ({
      element: toBase64url(element),
      ...(reason.kind === 'issuance'
        ? { issuance: reason.order }
        : {
            authentication: {
              digest: toBase64url(reason.digest),
              signature: toBase64url(reason.signature),
              certificates: reason.certificates.map(toBase64url),
            },
          }),
    })),
  }
}

/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`. */
export function decodeOprfOrders(body: OprfEvaluateBody): OprfOrder[] {
  if (body.orders.length > MAX_OPRF_ELEMENTS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `at most ${MAX_OPRF_ELEMENTS} elements at once`)
  }
  if (body.orders.length === 0) throw malformed()
  return body.orders.map(({ element, authentication, issuance }) => {
    if ((authentication === undefined) === (issuance === undefined)) throw malformed()
    const reason: OprfReason =
      authentication === undefined
        ? { kind: 'issuance', order: short(issuance!) }
        : {
            kind: 'authentication',
            digest: exactly(authentication.digest, DIGEST_BYTES),
            signature: atMost(authentication.signature, MAX_SIGNATURE_BYTES),
            certificates: certificates(authentication.certificates),
          }
    return { element: exactly(element, OPRF_ELEMENT_BYTES), reason }
  })
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeOprfAnswer(answer: OprfEvaluateAnswer): OprfEvaluation {
  return {
    evaluated: answer.evaluated.map((element) => exactly(element, OPRF_ELEMENT_BYTES)),
    proof: exactly(answer.proof, OPRF_PROOF_BYTES),
  }
}

function certificates(texts: readonly string[]): Uint8Array[] {
  if (texts.length === 0 || texts.length > MAX_CERTIFICATES) throw malformed()
  return texts.map((text) => atMost(text, MAX_CERTIFICATE_BYTES))
}

function short(text: string): string {
  if (text.length > MAX_ORDER_CHARACTERS) throw malformed()
  return text
}

function exactly(text: string, length: number): Uint8Array {
  const bytes = fromBase64url(text)
  if (bytes.length !== length) throw malformed()
  return bytes
}

function atMost(text: string, length: number): Uint8Array {
  const bytes = fromBase64url(text)
  if (bytes.length > length) throw malformed()
  return bytes
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'OPRF order')
}
