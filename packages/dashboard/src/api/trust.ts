import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'

export interface TrustSummary {
  readonly mode: 'online' | 'offline'
  readonly rootThumbprints: readonly string[]
  readonly epoch: number
  readonly sequence: number
  /** Null: an offline root has signed none yet. */
  readonly delegationExpiresAt: string | null
}

export interface Trust extends TrustSummary {
  /** The public key that the root delegates to, as a JWK. */
  readonly manifestKey: Readonly<Record<string, unknown>>
}

export function useTrust(applicationId: string) {
  return useQuery({
    queryKey: ['trust', applicationId],
    queryFn: () => callAdmin<Trust>('GET', `/applications/${segment(applicationId)}/trust`),
  })
}

export function useInstallDelegation(applicationId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (delegation: string) =>
      callAdmin<Trust>('POST', `/applications/${segment(applicationId)}/delegation`, { delegation }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['trust', applicationId] }),
        client.invalidateQueries({ queryKey: ['application', applicationId] }),
        client.invalidateQueries({ queryKey: ['audit'] }),
      ]),
  })
}
