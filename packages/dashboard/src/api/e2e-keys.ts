import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'

export type SuiteName = 'x-wing' | 'x25519' | 'p-256'
export type KeyState = 'pending' | 'active' | 'retiring' | 'revoked'

export interface KeyStep {
  readonly state: KeyState
  readonly at: string
  readonly actor: string
  readonly reason: string | null
}

/** An E2E key as the admin API shows it. Times are ISO 8601; the private part never leaves the server. */
export interface E2eKey {
  readonly id: string
  /** What clients name it by on the wire, 0 to 255. */
  readonly keyId: number
  readonly applicationId: string
  readonly suite: { readonly kem: string; readonly aead: string }
  readonly suiteName: SuiteName
  readonly state: KeyState
  /** Base64url. */
  readonly publicKey: string
  readonly jwk: Readonly<Record<string, unknown>>
  readonly thumbprint: string
  readonly createdAt: string
  readonly activateAt: string | null
  readonly activatedAt: string | null
  readonly retiringAt: string | null
  readonly endAt: string | null
  readonly revokedAt: string | null
  readonly lastUsedAt: string | null
  readonly history: readonly KeyStep[]
}

export interface NewKey {
  readonly suite?: SuiteName
  readonly activateAt?: string
}

/** A field that is absent stays as it is; null takes the date away. */
export interface KeySchedule {
  readonly activateAt?: string | null
  readonly endAt?: string | null
}

export interface Revocation {
  readonly reason: string
  /** Needed for the last live key, without which no call of the application works. */
  readonly force?: boolean
}

/** A pending key changes by itself soon after it is made, so the list is read again until it has. */
const PENDING_REFRESH_MS = 3_000

export function useE2eKeys(applicationId: string) {
  return useQuery({
    queryKey: ['e2e-keys', applicationId],
    queryFn: () => callAdmin<{ items: readonly E2eKey[] }>('GET', keysPath(applicationId)),
    select: (answer) => answer.items,
    refetchInterval: (query) =>
      query.state.data?.items.some(activatesSoon) === true ? PENDING_REFRESH_MS : false,
  })
}

export function useAddKey(applicationId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (key: NewKey) => callAdmin<E2eKey>('POST', keysPath(applicationId), key),
    onSuccess: () => refreshKeys(client, applicationId),
  })
}

export function useScheduleKey(key: E2eKey) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (schedule: KeySchedule) => callAdmin<E2eKey>('PATCH', keyPath(key), schedule),
    onSuccess: () => refreshKeys(client, key.applicationId),
  })
}

export function useRevokeKey(key: E2eKey) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (revocation: Revocation) => callAdmin<E2eKey>('POST', `${keyPath(key)}/revoke`, revocation),
    onSuccess: () => refreshKeys(client, key.applicationId),
  })
}

function keysPath(applicationId: string): string {
  return `/applications/${segment(applicationId)}/e2e-keys`
}

function keyPath(key: E2eKey): string {
  return `${keysPath(key.applicationId)}/${segment(key.id)}`
}

function activatesSoon(key: E2eKey): boolean {
  const DAY_MS = 86_400_000
  if (key.state !== 'pending') return false
  return key.activateAt === null || Date.parse(key.activateAt) - Date.now() < DAY_MS
}

async function refreshKeys(client: QueryClient, applicationId: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['e2e-keys', applicationId] }),
    client.invalidateQueries({ queryKey: ['usage', applicationId] }),
    client.invalidateQueries({ queryKey: ['application', applicationId] }),
    client.invalidateQueries({ queryKey: ['trust', applicationId] }),
    client.invalidateQueries({ queryKey: ['applications'] }),
    client.invalidateQueries({ queryKey: ['audit'] }),
  ])
}
