import { backend, overwrite, toBase64url, utf8 } from '@keyhaven/crypto'
import { upperHex, upperHexDigest } from '../mosip/digest.ts'
import type { Recipient } from '../mosip/session-key.ts'
import { SESSION_KEY_BYTES } from '../mosip/session-key.ts'
import { sealWithTrailingIv } from '../mosip/trailing-iv.ts'
import type { AuthClaims, AuthRequestBody } from './auth-messages.ts'

/** The encrypted members of a request. */
export type SealedClaims = Pick<
  AuthRequestBody,
  'request' | 'requestSessionKey' | 'requestHMAC' | 'thumbprint'
>

/**
 * Encrypts a request's claims as MOSIP's IDA wants them (its IdAuthSecurityManager): the claims and the hash of their
 * very text under one fresh session key, that one under K20.
 *
 * @param to - K20's certificate; K19's for internal use.
 */
export async function sealAuthClaims(to: Recipient, claims: AuthClaims): Promise<SealedClaims> {
  const text = utf8(JSON.stringify(claims))
  const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
  try {
    const [request, hmac, wrapped] = await Promise.all([
      sealWithTrailingIv(backend, sessionKey, text),
      upperHexDigest(text).then((digest) => sealWithTrailingIv(backend, sessionKey, utf8(digest))),
      backend.rsa.encryptOaep(to.publicKey, sessionKey),
    ])
    return {
      request: toBase64url(request),
      requestHMAC: toBase64url(hmac),
      requestSessionKey: toBase64url(wrapped),
      thumbprint: upperHex(to.thumbprint),
    }
  } finally {
    overwrite(sessionKey)
  }
}
