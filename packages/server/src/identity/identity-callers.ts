import { KeyhavenError } from '@keyhaven/crypto'
import { PARTNER_TYPE_NAMES } from '@keyhaven/identity'
import type { PartnerCaller } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import { createIdTokens } from '../platform/auth/id-tokens.ts'
import { rolesAllow } from '../platform/auth/roles.ts'
import type { TokenStore } from '../platform/auth/token-store.ts'
import { type AppEnv, callerOf } from '../platform/http/call-origin.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { FAILED_CALLS } from './token-guard.ts'

/** Any of these among the roles of an id token: ours, and MOSIP's in Keycloak. */
const PARTNER_ROLES = new Set(['partner', ...PARTNER_TYPE_NAMES.map((name) => name.toLowerCase())])
const BEARER = /^bearer +(\S+) *$/i
/** MOSIP's services send their token in it, too. */
const COOKIE = /(?:^|;\s*)Authorization=([^;\s]+)/
/** A JWT has two dots; our API tokens have none. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MAX_ORGANISATION_CHARS = 128

export interface IdentityCaller extends PartnerCaller {
  /** Whether an operator manages partners, of every organisation. */
  readonly manages: boolean
  /** Whether it is a service, which creates and reads shares. */
  readonly serves: boolean
}

export interface IdentityCallers {
  /** @throws KeyhavenError `UNAUTHENTICATED`, `RATE_LIMITED`, `ACCESS_DENIED`, `UPSTREAM_FAILED`. */
  identify(c: Context<AppEnv>): Promise<IdentityCaller>
}

export interface IdentityCallerParts {
  readonly tokens: Pick<TokenStore, 'verify'>
  readonly oidc:
    | { readonly issuer: string; readonly clientId: string; readonly organisationClaim: string }
    | undefined
  readonly clock: () => number
}

/** Services and managers by API token, people of a partner by the id token of their sign-in. */
export function createIdentityCallers({ tokens, oidc, clock }: IdentityCallerParts): IdentityCallers {
  const idTokens = oidc && createIdTokens(oidc)
  const failures = createRateLimiter(FAILED_CALLS, clock)

  const ofPartner = async (token: string): Promise<IdentityCaller> => {
    const claims = await idTokens!.verify(token).catch((error: KeyhavenError) => {
      if (error.code !== 'ACCESS_DENIED') throw error
      throw new KeyhavenError('UNAUTHENTICATED', error.message, { cause: error })
    })
    if (!hasPartnerRole(claims))
      throw new KeyhavenError('ACCESS_DENIED', 'the id token names no partner’s role')
    const organisation = claims[oidc!.organisationClaim]
    if (
      typeof organisation !== 'string' ||
      organisation === '' ||
      organisation.length > MAX_ORGANISATION_CHARS
    ) {
      throw new KeyhavenError(
        'ACCESS_DENIED',
        `the id token names no organisation (${oidc!.organisationClaim})`,
      )
    }
    return { actor: `oidc:${claims.iss}#${claims.sub}`, organisation, manages: false, serves: false }
  }

  const ofToken = async (token: string): Promise<IdentityCaller | undefined> => {
    const principal = await tokens.verify(token)
    if (principal === undefined) return undefined
    const { actor, roles } = principal
    const manages = rolesAllow(roles, 'manage-partners')
    const serves = rolesAllow(roles, 'use-identity-keys')
    if (!manages && !serves)
      throw new KeyhavenError('ACCESS_DENIED', 'the role of this token does not allow it')
    return { actor, manages, serves }
  }

  return {
    async identify(c) {
      const token =
        BEARER.exec(c.req.header('authorization') ?? '')?.[1] ??
        (fromOtherSite(c) ? undefined : COOKIE.exec(c.req.header('cookie') ?? '')?.[1])
      if (token === undefined)
        throw new KeyhavenError('UNAUTHENTICATED', 'send a token as "Authorization: Bearer …"')
      try {
        const caller =
          idTokens !== undefined && JWT.test(token) ? await ofPartner(token) : await ofToken(token)
        if (caller !== undefined) return caller
        throw new KeyhavenError('UNAUTHENTICATED', 'this token is unknown or expired')
      } catch (error) {
        const failed = error instanceof KeyhavenError && error.code === 'UNAUTHENTICATED'
        if (!failed || failures.take(callerOf(c.env.origin)) === 0) throw error
        throw new KeyhavenError('RATE_LIMITED', 'too many failed calls: try again later')
      }
    },
  }
}

/** A page of somebody else's makes a browser call with the cookies of whoever looks at it. */
function fromOtherSite(c: Context<AppEnv>): boolean {
  const site = c.req.header('sec-fetch-site') ?? 'none'
  return site !== 'none' && site !== 'same-origin'
}

function hasPartnerRole(claims: Readonly<Record<string, unknown>>): boolean {
  const { roles, realm_access: realm } = claims as { roles?: unknown; realm_access?: { roles?: unknown } }
  const named = [roles, realm?.roles].flat()
  return named.some((role) => typeof role === 'string' && PARTNER_ROLES.has(role.toLowerCase()))
}
