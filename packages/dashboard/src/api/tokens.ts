import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'

export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
}

export interface NewToken {
  readonly name: string
  readonly roles: readonly string[]
  readonly expiresAt?: string
}

/** The only answer that carries the token itself. */
export interface CreatedToken extends ApiToken {
  readonly token: string
}

export function useTokens() {
  return useQuery({
    queryKey: ['tokens'],
    queryFn: () => callAdmin<{ items: readonly ApiToken[] }>('GET', '/tokens'),
    select: (answer) => answer.items,
  })
}

export function useCreateToken() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (token: NewToken) => callAdmin<CreatedToken>('POST', '/tokens', token),
    // The answer holds a secret: it is not to outlive the dialog that shows it.
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }),
  })
}

export function useDeleteToken() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => callAdmin<void>('DELETE', `/tokens/${segment(id)}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }),
  })
}
