import type { OprfOrder, OprfPublicKey } from '../../oprf/oprf-wire.ts'
import type { OprfEvaluation } from '../../oprf/voprf.ts'

/** A key as lists show it. */
export interface OprfKeyInfo extends OprfPublicKey {
  readonly state: 'active' | 'retired'
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** The oblivious PRF of one application (RFC 9497, verifiable mode). */
export interface OprfServer {
  /** Newest first; the first is made when there is none. */
  keys(): Promise<readonly OprfKeyInfo[]>
  /**
   * @param caller - token name: has a quota.
   * @throws KeyhavenError `ACCESS_DENIED` if one order does not hold, `REPLAYED` if one was used with this
   *   version, `RATE_LIMITED`, `KEY_UNKNOWN`, `WIRE_MALFORMED`: nothing was evaluated.
   */
  evaluate(caller: string, version: number, orders: readonly OprfOrder[]): Promise<OprfEvaluation>
  /** A new key; the old ones go on evaluating, for people who were stored under them. */
  rotate(actor: string): Promise<OprfKeyInfo>
}
