import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { callAdmin } from './call-admin.ts'
import { ApiProblem } from './problem.ts'

export type Role =
  | 'admin'
  | 'key-manager'
  | 'auditor'
  | 'partner-manager'
  | 'registration-officer'
  | 'identity-service'

export interface Session {
  /** Who is signed in, such as `token:admin` or `oidc:<issuer>#<subject>`. */
  readonly actor: string
  readonly roles: readonly string[]
  readonly oidc: boolean
}

export interface SignInOptions {
  readonly oidc: boolean
  readonly issuerName?: string
  /** This browser has a session cookie, which no script can see; the session may have ended. */
  readonly cookie: boolean
}

/** What a person signs in with. It goes to the server once; nothing keeps it. */
export type Credential = { readonly token: string } | { readonly code: string }
export type CredentialKind = 'code' | 'token'

const SESSION = ['session'] as const

const SIGN_IN_OPTIONS = {
  queryKey: ['session-options'],
  queryFn: () => callAdmin<SignInOptions>('GET', '/session/options'),
} as const

/** The session, or null when nobody is signed in. */
export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: ({ client }) => readSession(client),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export function useSignInOptions() {
  return useQuery(SIGN_IN_OPTIONS)
}

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (credential: Credential) => callAdmin<Session>('POST', '/session', credential),
    gcTime: 0,
    onSuccess: (session) => client.setQueryData(SESSION, session),
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => callAdmin<void>('DELETE', '/session'),
    onSuccess: () => endSession(client),
  })
}

/** Whether this session may do what needs `role`; the server decides again at each call. */
export function useMay(role: Role): boolean {
  const roles = useSession().data?.roles ?? []
  return roles.includes('admin') || roles.includes(role)
}

/** Forgets everything that was read under the session. */
export function endSession(client: QueryClient): void {
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION[0] })
  client.setQueryData(SESSION, null)
}

/** Asks only where there is a cookie: a refusal of the first call would stand in every visitor's console. */
async function readSession(client: QueryClient): Promise<Session | null> {
  // The sign-in page needs the same answer a moment later, and finds it in the cache.
  const { cookie } = await client.fetchQuery(SIGN_IN_OPTIONS)
  if (!cookie) return null
  try {
    return await callAdmin<Session>('GET', '/session')
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return null
    throw error
  }
}
