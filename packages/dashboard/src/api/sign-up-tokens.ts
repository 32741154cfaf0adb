import { type QueryClient, useMutation, useQueryClient } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import { directoryBase } from './directory-base.ts'
import type { ProfileName } from './directory-devices.ts'
import { usePages } from './use-pages.ts'

/** What lets one user enroll their first device. Times are ISO 8601. */
export interface SignUpToken {
  readonly id: string
  readonly username: string
  /** The only profile that it admits; null: any that the server allows. */
  readonly profile: ProfileName | null
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

export interface NewSignUpToken {
  readonly username: string
  readonly expiresAt?: string
  readonly profile?: ProfileName
}

/** The only answer that carries the token itself. */
export interface IssuedSignUpToken extends SignUpToken {
  readonly token: string
}

export function useSignUpTokens(applicationId: string) {
  return usePages<SignUpToken>(['sign-up-tokens', applicationId], tokensPath(applicationId))
}

export function useIssueSignUpToken(applicationId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (token: NewSignUpToken) =>
      callAdmin<IssuedSignUpToken>('POST', tokensPath(applicationId), token),
    // The answer holds a secret: it is not to outlive the dialog that shows it.
    gcTime: 0,
    onSuccess: () => readTokensAnew(client, applicationId),
  })
}

export function useDeleteSignUpToken(applicationId: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => callAdmin<void>('DELETE', `${tokensPath(applicationId)}/${segment(id)}`),
    onSuccess: () => readTokensAnew(client, applicationId),
  })
}

function tokensPath(applicationId: string): string {
  return `${directoryBase(applicationId)}/sign-up-tokens`
}

function readTokensAnew(client: QueryClient, applicationId: string): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: ['sign-up-tokens', applicationId] }),
    client.invalidateQueries({ queryKey: ['audit'] }),
  ])
}
