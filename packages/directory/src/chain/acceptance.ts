export const ACCEPTANCE_TYP = 'keyhaven-accepted+jws'

/** The authority's answer to an accepted entry: compact JWS, header `{alg: 'EdDSA', typ: 'keyhaven-accepted+jws', kid}`. */
export interface Acceptance {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** Hash of the entry's JWS, base64url. */
  readonly entry: string
  /** When, seconds since the epoch. */
  readonly at: number
}
