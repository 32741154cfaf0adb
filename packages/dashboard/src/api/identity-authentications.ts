import { usePages } from './use-pages.ts'

/** What an IDA answered, never about whom. */
export interface AuthenticationAnswer {
  /** UUID of the request. */
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  /** `partner:ID`, or the token of internal use. */
  readonly caller: string
  readonly kind: 'auth' | 'kyc' | 'otp' | 'internal'
  readonly result: 'yes' | 'no' | 'refused'
  /** `demo`, `bio`, `otp`. */
  readonly types: readonly string[]
  /** MOSIP's codes. */
  readonly errors: readonly string[]
}

/** Newest first. @param partner - the whole id; empty: every caller. */
export function useAuthentications(partner: string) {
  return usePages<AuthenticationAnswer>(['authentications'], '/identity/authentication/answers', { partner })
}
