import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin, type Query, segment } from './call-admin.ts'
import { usePages } from './use-pages.ts'

// How every page of the identity capability reads and changes what one application has of it.

/** @param path - below the application's `/identity`, with a leading slash. */
export function identityPath(applicationId: string, path: string): string {
  return `/applications/${segment(applicationId)}/identity${path}`
}

/** A long list, a page at a time. @param filter - empty text: any. */
export function useIdentityPages<T>(applicationId: string, path: string, filter: Query = {}) {
  return usePages<T>(['identity', applicationId, path], identityPath(applicationId, path), filter)
}

/** One record, or a short list. */
export function useIdentityRecord<T>(applicationId: string, path: string) {
  return useQuery({
    queryKey: ['identity', applicationId, path],
    queryFn: () => callAdmin<T>('GET', identityPath(applicationId, path)),
  })
}

/** A change; afterwards all that is shown of the capability is read anew. */
export function useIdentityChange<Input, Output>(
  applicationId: string,
  change: (input: Input) => { readonly path: string; readonly body: unknown },
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: Input) => {
      const { path, body } = change(input)
      return callAdmin<Output>('POST', identityPath(applicationId, path), body)
    },
    // An answer may hold a secret: it is not to outlive the dialog that shows it.
    gcTime: 0,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['identity', applicationId] }),
        client.invalidateQueries({ queryKey: ['audit'] }),
      ]),
  })
}
