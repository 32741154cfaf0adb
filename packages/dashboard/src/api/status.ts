import { useQuery } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'

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
}

const REFRESH_MS = 60_000

export function useStatus() {
  return useQuery({
    queryKey: ['status'],
    queryFn: () => callAdmin<ServerStatus>('GET', '/status'),
    refetchInterval: REFRESH_MS,
  })
}
