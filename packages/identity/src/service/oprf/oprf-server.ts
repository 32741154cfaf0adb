import type { PartnerSignedRequest } from '../vault/ida-vault.ts'

/** One evaluation that is asked for, with what entitles to it. */
export interface OprfOrder {
  /** Blinded element, 32 bytes. */
  readonly element: Uint8Array
  readonly reason:
    | ({ readonly kind: 'authentication' } & PartnerSignedRequest)
    /** Compact JWS of the issuer over {@link IssuanceOrder}. */
    | { readonly kind: 'issuance'; readonly order: string }
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
  readonly state: 'active' | 'retired'
  readonly createdAt: number
}

export interface OprfEvaluated {
  readonly version: number
  readonly evaluated: readonly Uint8Array[]
  readonly proof: Uint8Array
}

/** The oblivious PRF of one application (RFC 9497, verifiable mode). */
export interface OprfServer {
  /** Newest first. */
  keys(): Promise<readonly OprfPublicKey[]>
  /**
   * @param caller - token name: has a quota.
   * @throws KeyhavenError `ACCESS_DENIED` if one order does not hold, `REPLAYED` if it was used with this
   *   version, `RATE_LIMITED`, `KEY_UNKNOWN`, `WIRE_MALFORMED`: nothing was evaluated.
   */
  evaluate(caller: string, version: number, orders: readonly OprfOrder[]): Promise<OprfEvaluated>
  /** A new key; the old ones go on evaluating, for people who were stored under them. */
  rotate(actor: string): Promise<OprfPublicKey>
}
