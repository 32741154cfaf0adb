import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'
import { directoryBase } from './directory-base.ts'

export interface Witness {
  readonly name: string
  readonly lastCosignedAt: string | null
}

/** The application's log as of its newest checkpoint. */
export interface DirectoryLog {
  readonly origin: string
  /** C2SP verifier key: what apps and witnesses check checkpoints with. */
  readonly verifierKey: string
  /** Entries. */
  readonly size: number
  /** Base64. */
  readonly root: string
  /** Signed note. */
  readonly checkpoint: string
  readonly at: string
  readonly witnesses: readonly Witness[]
}

/** What recomputing the whole log from its entries gave. */
export interface LogVerdict {
  readonly valid: boolean
  readonly size: number
  readonly root: string
  readonly at: string
}

export function useDirectoryLog(applicationId: string) {
  return useQuery({
    queryKey: ['directory-log', applicationId],
    queryFn: () => callAdmin<DirectoryLog>('GET', `${directoryBase(applicationId)}/log`),
  })
}

/** Has the server hash every entry anew; asked for by hand, since a long log takes a while. */
export function useCheckLog(applicationId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => callAdmin<LogVerdict>('POST', `${directoryBase(applicationId)}/log/check`),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['directory-log', applicationId] }),
        client.invalidateQueries({ queryKey: ['audit'] }),
      ]),
  })
}
