import { KeyhavenError } from '@keyhaven/crypto'
import type { Configuration, IDToken } from 'openid-client'

const PROVIDER_TIMEOUT_SECONDS = 10
const MAX_ID_TOKEN_CHARACTERS = 8_192

export interface IdTokens {
  /**
   * @returns the claims, the nonce among them.
   * @throws KeyhavenError `ACCESS_DENIED` unless it is this client's and valid now, `UPSTREAM_FAILED`.
   */
  verify(idToken: string): Promise<IDToken & { readonly nonce: string }>
}

/**
 * Verifies id tokens of an OpenID provider (OpenID Connect Core 1.0 §3.2.2.11): signature by a key of the
 * issuer's, `iss`, `aud`, `exp`, `iat`. What the nonce must be is for whoever asks. The library is loaded,
 * and the provider asked, at the first token.
 */
export function createIdTokens(oidc: { readonly issuer: string; readonly clientId: string }): IdTokens {
  let discovered: Promise<Configuration> | undefined

  const discover = async (): Promise<Configuration> => {
    const client = await import('openid-client')
    const url = new URL(oidc.issuer)
    const configuration = await client.discovery(url, oidc.clientId, undefined, client.None(), {
      timeout: PROVIDER_TIMEOUT_SECONDS,
      execute: url.protocol === 'http:' ? [client.allowInsecureRequests] : [],
    })
    client.useIdTokenResponseType(configuration)
    return configuration
  }

  return {
    async verify(idToken) {
      const nonce = readNonce(idToken)
      discovered ??= discover()
      const configuration = await discovered.catch((cause: unknown) => {
        discovered = undefined // the next one asks again
        throw new KeyhavenError('UPSTREAM_FAILED', 'the sign-in provider does not answer', { cause })
      })
      return { ...(await claimsOf(configuration, oidc.clientId, idToken, nonce)), nonce }
    },
  }
}

async function claimsOf(
  configuration: Configuration,
  clientId: string,
  idToken: string,
  nonce: string,
): Promise<IDToken> {
  const { implicitAuthentication } = await import('openid-client')
  const answer = new URL(`https://keyhaven.invalid/#${new URLSearchParams({ id_token: idToken })}`)
  try {
    const claims = await implicitAuthentication(configuration, answer, nonce)
    const audience = typeof claims.aud === 'string' ? [claims.aud] : claims.aud
    // A token that names another client besides is not meant for us alone.
    if (audience.length !== 1 || audience[0] !== clientId) throw new Error('aud')
    return claims
  } catch (cause) {
    throw refused(cause)
  }
}

/** Not verified yet: the library wants to be told the nonce that it shall find. */
function readNonce(idToken: string): string {
  if (idToken.length > MAX_ID_TOKEN_CHARACTERS) throw refused('length')
  try {
    const payload: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    const { nonce } = payload as { nonce?: unknown }
    if (typeof nonce === 'string' && nonce !== '') return nonce
  } catch {
    // Answered below.
  }
  throw refused('nonce')
}

function refused(cause: unknown): KeyhavenError {
  return new KeyhavenError('ACCESS_DENIED', 'the id token does not prove a sign-in', { cause })
}
