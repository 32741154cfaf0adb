import { KeyhavenError } from '@keyhaven/crypto'
import type { SignUpVerifier } from '@keyhaven/directory/service'
import { createIdTokens } from '../platform/auth/id-tokens.ts'
import type { DirectoryConfig } from '../platform/config/config.ts'

/**
 * Id tokens of the users' OpenID provider. That the nonce names the new signing key is the directory's to
 * check.
 */
export function createIdTokenVerifier(oidc: DirectoryConfig['oidc']): SignUpVerifier {
  const tokens = oidc && createIdTokens(oidc)
  return {
    async verifyIdToken(idToken) {
      if (tokens === undefined) {
        throw new KeyhavenError('ACCESS_DENIED', 'users do not sign in by OpenID here')
      }
      const { iss, sub, nonce } = await tokens.verify(idToken)
      return { issuer: iss, subject: sub, nonce }
    },
  }
}
