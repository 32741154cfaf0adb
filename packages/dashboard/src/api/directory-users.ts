import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import { directoryBase } from './directory-base.ts'
import type { Device } from './directory-devices.ts'
import { usePages } from './use-pages.ts'

/** A user as the list shows them. Times are ISO 8601. */
export interface DirectoryUser {
  readonly username: string
  /** Counts resets, from 0. */
  readonly chain: number
  /** Number of the newest entry, over all chains. */
  readonly sequence: number
  /** Devices that are valid now. */
  readonly devices: number
  readonly createdAt: string
  readonly changedAt: string
}

export type EntryKind = 'device' | 'revocation' | 'objection' | 'recovery' | 'reset'

/** Who signed an entry; the authority is the operator of this server. */
export type EntrySigner =
  | { readonly kind: 'device'; readonly device: string }
  | { readonly kind: 'recovery' }
  | { readonly kind: 'authority' }

/** One link of a user's chain. Times are ISO 8601. */
export interface ChainEntry {
  readonly sequence: number
  readonly chain: number
  readonly kind: EntryKind
  /** SHA-256 of the signed entry, base64url. */
  readonly hash: string
  readonly acceptedAt: string
  /** Place of its leaf in the log. */
  readonly logIndex: number
  readonly signer: EntrySigner
  /** The device that it records or revokes. */
  readonly device: string | null
  readonly reason: string | null
  /** From when a revocation is in force, or a new recovery key, unless a device objects before. */
  readonly effectiveAt: string | null
  /** Of an objection: hash of the entry that it makes void. */
  readonly objectsTo: string | null
}

export interface DirectoryUserDetails extends Omit<DirectoryUser, 'devices'> {
  /** Those of earlier chains too. */
  readonly devices: readonly Device[]
  /** Oldest first. */
  readonly entries: readonly ChainEntry[]
}

/** Users whose name begins with or contains `search`, a page at a time. */
export function useDirectoryUsers(applicationId: string, search: string) {
  const path = `${directoryBase(applicationId)}/users`
  return usePages<DirectoryUser>(['directory-users', applicationId], path, { q: search })
}

export function useDirectoryUser(applicationId: string, username: string) {
  return useQuery({
    queryKey: ['directory-user', applicationId, username],
    queryFn: () => callAdmin<DirectoryUserDetails>('GET', userPath(applicationId, username)),
  })
}

/** Ends every device of the user and the recovery key, and begins a new chain. */
export function useResetUser(applicationId: string, username: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (reason: string) =>
      callAdmin<unknown>('POST', `${userPath(applicationId, username)}/reset`, { reason }),
    onSuccess: () => readDirectoryAnew(client, applicationId),
  })
}

/** Ends one device at once. */
export function useRevokeDevice(applicationId: string, username: string, device: string) {
  const client = useQueryClient()
  const path = `${userPath(applicationId, username)}/devices/${segment(device)}/revoke`
  return useMutation({
    mutationFn: (reason: string) => callAdmin<unknown>('POST', path, { reason }),
    onSuccess: () => readDirectoryAnew(client, applicationId),
  })
}

function userPath(applicationId: string, username: string): string {
  return `${directoryBase(applicationId)}/users/${segment(username)}`
}

function readDirectoryAnew(client: QueryClient, applicationId: string): Promise<unknown> {
  const names = ['directory-user', 'directory-users', 'expiring-devices', 'directory-log']
  return Promise.all([
    ...names.map((name) => client.invalidateQueries({ queryKey: [name, applicationId] })),
    client.invalidateQueries({ queryKey: ['audit'] }),
  ])
}
