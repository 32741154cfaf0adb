import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
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

/** The answer to a switch: what is trusted now, and what the operator has to do next. */
interface SwitchedRoot extends Trust {
  readonly text: string
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
    onSuccess: () => readAnew(client, applicationId),
  })
}

/** @param from - the root thumbprint on the screen: nothing changes if it is another one by now. */
export function useSwitchRoot(applicationId: string, from: string | undefined) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (reason: string) =>
      callAdmin<SwitchedRoot>('POST', `/applications/${segment(applicationId)}/trust/switch-root`, {
        reason,
        rootThumbprint: from,
      }),
    onSuccess: () => readAnew(client, applicationId),
  })
}

function readAnew(client: QueryClient, applicationId: string): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: ['trust', applicationId] }),
    client.invalidateQueries({ queryKey: ['application', applicationId] }),
    client.invalidateQueries({ queryKey: ['audit'] }),
  ])
}
