import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import { usePages } from './use-pages.ts'

/** Keys made at once: a generation is whole, or it is not there. */
export const POOL_KEYS = 10_000

export interface PoolGeneration {
  readonly generation: number
  /** At the issuer those that were made; at an IDA those that credentials came under. */
  readonly keys: number
  readonly createdAt: string
}

export interface VaultRecipient {
  readonly partner: string
  /** SHA-256 of the certificate, hex. */
  readonly thumbprint: string
  readonly subject: string
  readonly notAfter: string
}

/** Credentials of whoever was registered before an IDA came. */
export interface Backfill {
  readonly partner: string
  readonly policyId: string
  readonly state: 'running' | 'done' | 'stopped'
  readonly people: number
  readonly total: number
  readonly issued: number
  readonly waiting: number
  readonly failed: number
  readonly changedAt: string
}

export interface VaultStatus {
  readonly role: 'main' | 'ida'
  readonly profile: 'mosip' | 'keyhaven'
  /** Newest first. */
  readonly generations: readonly PoolGeneration[]
  readonly openConflicts: number
  /** Role main: credentials by whether their keys are of the newest generation. */
  readonly credentials?: { readonly done: number; readonly left: number }
  readonly recipients?: readonly VaultRecipient[]
  readonly backfills?: readonly Backfill[]
  /** Role ida: people. */
  readonly records?: number
  readonly recordsOfOldGenerations?: number
}

/** A second, different key came for an index; the stored one stays. */
export interface PoolConflict {
  readonly id: string
  readonly kind: 'import' | 'create' | 'unwrap'
  readonly index: number
  readonly source: string
  readonly seenAt: string
  readonly closedAt: string | null
  readonly closedBy: string | null
}

const VAULT = '/identity/vault'
const REFRESH_MS = 10_000

/** Read anew by itself: a rotation goes on. */
export function useVault() {
  return useQuery({
    queryKey: ['vault'],
    queryFn: () => callAdmin<VaultStatus>('GET', VAULT),
    refetchInterval: REFRESH_MS,
  })
}

export function usePoolConflicts() {
  return usePages<PoolConflict>(['vault-conflicts'], `${VAULT}/conflicts`)
}

export function useCloseConflict() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, reason }: { readonly id: string; readonly reason: string }) =>
      callAdmin<void>('POST', `${VAULT}/conflicts/${segment(id)}/closure`, { reason }),
    onSuccess: () =>
      Promise.all(
        ['vault', 'vault-conflicts', 'audit'].map((name) => client.invalidateQueries({ queryKey: [name] })),
      ),
  })
}
