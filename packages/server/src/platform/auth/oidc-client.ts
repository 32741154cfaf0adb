import { KeyhavenError } from '@keyhaven/crypto'
import type { Configuration } from 'openid-client'
import type { OidcConfig } from '../config/config.ts'
import type { Role } from './roles.ts'
import { isRole } from './roles.ts'

const PROVIDER_TIMEOUT_SECONDS = 10
const MAX_ROLE_VALUES = 1_000

/** What a browser brings back from the provider must match. */
export interface OidcAttempt {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface OidcIdentity {
  readonly issuer: string
  readonly subject: string
  readonly roles: readonly Role[]
}

export interface OidcClient {
  start(redirectUri: string): Promise<{ url: URL; attempt: OidcAttempt }>
  /**
   * @param callbackUrl - the whole address that the browser came back to.
   * @throws KeyhavenError `UNAUTHENTICATED` (refused, forged, late), `UPSTREAM_FAILED` (no answer).
   */
  finish(callbackUrl: URL, attempt: OidcAttempt): Promise<OidcIdentity>
}

/** Code flow with PKCE, state and nonce. The library is loaded at the first sign-in. */
export function createOidcClient(config: OidcConfig): OidcClient {
  let discovered: Promise<Configuration> | undefined

  const discover = async (): Promise<Configuration> => {
    const oidc = await import('openid-client')
    const issuer = new URL(config.issuer)
    const authentication =
      config.clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(config.clientSecret)
    return oidc.discovery(issuer, config.clientId, undefined, authentication, {
      timeout: PROVIDER_TIMEOUT_SECONDS,
      execute: issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
    })
  }

  const configuration = async (): Promise<Configuration> => {
    discovered ??= discover()
    try {
      return await discovered
    } catch (cause) {
      discovered = undefined // the next sign-in asks again
      throw new KeyhavenError('UPSTREAM_FAILED', 'the sign-in provider does not answer', { cause })
    }
  }

  return {
    async start(redirectUri) {
      const [oidc, provider] = [await import('openid-client'), await configuration()]
      const attempt = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        codeVerifier: oidc.randomPKCECodeVerifier(),
      }
      const url = oidc.buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: config.scopes,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.codeVerifier),
        code_challenge_method: 'S256',
      })
      return { url, attempt }
    },

    async finish(callbackUrl, attempt) {
      const [oidc, provider] = [await import('openid-client'), await configuration()]
      try {
        const answer = await oidc.authorizationCodeGrant(provider, callbackUrl, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.codeVerifier,
          idTokenExpected: true,
        })
        const claims = answer.claims()!
        return { issuer: claims.iss, subject: claims.sub, roles: rolesOfClaims(claims, config) }
      } catch (cause) {
        throw new KeyhavenError('UNAUTHENTICATED', 'the sign-in provider did not confirm the sign-in', {
          cause,
        })
      }
    },
  }
}

/**
 * The claim may lie deeper, as Keycloak's `realm_access.roles`. With a map only what it names counts: a
 * provider's own group "admin" shall not be ours.
 */
export function rolesOfClaims(
  claims: Readonly<Record<string, unknown>>,
  config: Pick<OidcConfig, 'roleClaim' | 'roleMap'>,
): Role[] {
  const claim = Object.hasOwn(claims, config.roleClaim)
    ? claims[config.roleClaim]
    : config.roleClaim.split('.').reduce<unknown>(member, claims)
  const values = Array.isArray(claim) ? claim.slice(0, MAX_ROLE_VALUES) : [claim]
  const mapped = Object.keys(config.roleMap).length > 0
  const roles = values
    .filter((value) => typeof value === 'string')
    .map((value) => (mapped ? member(config.roleMap, value) : value))
  return [...new Set(roles.filter(isRole))]
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
