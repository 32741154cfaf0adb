import { KeyhavenError } from '@keyhaven/crypto'
import type { SignUpVerifier, VerifiedIdToken } from '@keyhaven/directory/service'
import type { Configuration } from 'openid-client'
import type { DirectoryConfig } from '../platform/config/config.ts'

const PROVIDER_TIMEOUT_SECONDS = 10
const MAX_ID_TOKEN_CHARACTERS = 8_192

/**
 * Verifies id tokens of the users' OpenID provider (OpenID Connect Core 1.0 §3.2.2.11): signature by a key of the
 * issuer's, `iss`, `aud`, `exp`, `iat`. That the nonce names the new signing key is the directory's to check. The
 * library is loaded, and the provider asked, at the first sign-up.
 */
export function createIdTokenVerifier(oidc: DirectoryConfig['oidc']): SignUpVerifier {
  let discovered: Promise<Configuration> | undefined

  const discover = async ({ issuer, clientId }: NonNullable<typeof oidc>): Promise<Configuration> => {
    const client = await import('openid-client')
    const url = new URL(issuer)
    const configuration = await client.discovery(url, clientId, undefined, client.None(), {
      timeout: PROVIDER_TIMEOUT_SECONDS,
      execute: url.protocol === 'http:' ? [client.allowInsecureRequests] : [],
    })
    client.useIdTokenResponseType(configuration)
    return configuration
  }

  return {
    async verifyIdToken(idToken) {
      if (oidc === undefined) throw new KeyhavenError('ACCESS_DENIED', 'users do not sign in by OpenID here')
      const nonce = readNonce(idToken)
      discovered ??= discover(oidc)
      const configuration = await discovered.catch((cause: unknown) => {
        discovered = undefined // the next sign-up asks again
        throw new KeyhavenError('UPSTREAM_FAILED', 'the sign-in provider does not answer', { cause })
      })
      return verify(configuration, oidc.clientId, idToken, nonce)
    },
  }
}

async function verify(
  configuration: Configuration,
  clientId: string,
  idToken: string,
  nonce: string,
): Promise<VerifiedIdToken> {
  const { implicitAuthentication } = await import('openid-client')
  const answer = new URL(`https://keyhaven.invalid/#${new URLSearchParams({ id_token: idToken })}`)
  try {
    const claims = await implicitAuthentication(configuration, answer, nonce)
    const audience = typeof claims.aud === 'string' ? [claims.aud] : claims.aud
    // A token that names another client besides is not meant for us alone.
    if (audience.length !== 1 || audience[0] !== clientId) throw new Error('aud')
    return { issuer: claims.iss, subject: claims.sub, nonce }
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
