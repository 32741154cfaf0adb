import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'
import { nextCursor, type Page } from './page.ts'

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

const PAGE_SIZE = 50

/** Newest first. @param partner - the whole id; empty: every caller. */
export function useAuthentications(partner: string) {
  return useInfiniteQuery({
    queryKey: ['authentications', partner],
    queryFn: ({ pageParam }) =>
      callAdmin<Page<AuthenticationAnswer>>('GET', '/identity/authentication/answers', undefined, {
        partner,
        limit: PAGE_SIZE,
        cursor: pageParam,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
    placeholderData: keepPreviousData,
  })
}
