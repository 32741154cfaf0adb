import { useQuery } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'

/** The identity capability of the server that this dashboard belongs to. */
export interface IdentityStatus {
  readonly role: 'main' | 'ida' | 'oprf'
  readonly profile: 'mosip' | 'keyhaven'
  /** Whose people and partners it serves. */
  readonly applicationId: string
  /** What compares biometrics; the simulated one says what it is. */
  readonly matcher: string | null
}

export interface ServerStatus {
  readonly version: string
  readonly startedAt: string
  readonly node: string
  readonly database: string
  readonly replay: string
  readonly workers: number
  readonly oidc: boolean
  /** Where apps reach the server. */
  readonly publicUrl: string
  /** Null: the server has no identity capability. */
  readonly identity: IdentityStatus | null
}

const REFRESH_MS = 60_000

export function useStatus() {
  return useQuery({
    queryKey: ['status'],
    queryFn: () => callAdmin<ServerStatus>('GET', '/status'),
    refetchInterval: REFRESH_MS,
  })
}
