import { useMutation, useQuery } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'
import { usePages } from './use-pages.ts'

export interface AuditEntry {
  readonly sequence: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly applicationId: string | null
  readonly subject: string | null
  readonly detail: unknown
  readonly hash: string
}

/** Empty text: any. `from` and `to` are ISO 8601. */
export interface AuditFilter {
  readonly action: string
  readonly actor: string
  readonly applicationId: string
  readonly from: string
  readonly to: string
}

export interface AuditVerdict {
  readonly valid: boolean
  readonly entries: number
  /** The newest entry; its hash covers all before it. */
  readonly head: { readonly sequence: number; readonly hash: string }
  readonly brokenAt?: number
  readonly reason?: string
}

export function useAudit(filter: AuditFilter) {
  return usePages<AuditEntry>(['audit'], '/audit', { ...filter })
}

export function useAuditActions() {
  return useQuery({
    queryKey: ['audit-actions'],
    queryFn: () => callAdmin<{ items: readonly string[] }>('GET', '/audit/actions'),
    select: (answer) => answer.items,
  })
}

/** Walks the whole chain on the server; asked for by hand, since a long log takes a while. */
export function useVerifyAudit() {
  return useMutation({ mutationFn: () => callAdmin<AuditVerdict>('GET', '/audit/verify') })
}
