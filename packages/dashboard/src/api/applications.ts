import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import type { SuiteName } from './e2e-keys.ts'
import type { TrustSummary } from './trust.ts'
import { usePages } from './use-pages.ts'

export interface Application {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly isDefault: boolean
  readonly trust: TrustSummary
  readonly keyCounts: Readonly<Record<'pending' | 'active' | 'retiring' | 'revoked', number>>
}

export interface NewApplication {
  readonly id: string
  readonly name?: string
  readonly suite?: SuiteName
  /** Given: the root key stays offline, with whoever has it. Absent: the server makes and keeps one. */
  readonly rootThumbprints?: readonly string[]
}

/** Applications whose id or name contains `search`, a page at a time. */
export function useApplications(search: string) {
  return usePages<Application>(['applications'], '/applications', { q: search })
}

export function useApplication(id: string) {
  return useQuery({
    queryKey: ['application', id],
    queryFn: () => callAdmin<Application>('GET', `/applications/${segment(id)}`),
  })
}

export function useCreateApplication() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (application: NewApplication) => callAdmin<Application>('POST', '/applications', application),
    onSuccess: (application) => {
      client.setQueryData(['application', application.id], application)
      return client.invalidateQueries({ queryKey: ['applications'] })
    },
  })
}
