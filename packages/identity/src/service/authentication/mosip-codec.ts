import {
  backend,
  equalConstantTime,
  fromUtf8,
  KeyhavenError,
  overwrite,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import type { AuthKind } from '../../authentication/auth-messages.ts'
import { AUTH_REQUEST_IDS } from '../../authentication/auth-messages.ts'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import { keyName } from '../../keys/key-name.ts'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import { fromHexDigest, upperHex, upperHexDigest } from '../../mosip/digest.ts'
import { SESSION_KEY_BYTES, unwrapOrRandom } from '../../mosip/session-key.ts'
import { openWithTrailingIv, sealWithTrailingIv } from '../../mosip/trailing-iv.ts'
import { undecryptable } from './ida-refusal.ts'
import type { Json, OpenedRequest } from './opened-request.ts'
import { readClaims, readHead, readPersonId, readTerms } from './opened-request.ts'
import type { RequestCodec } from './request-codec.ts'

/** K20, and K19 for internal use. */
const REQUEST_KEY = keyName('IDA', 'PARTNER')
const INTERNAL_KEY = keyName('IDA', 'INTERNAL')
const HEX_DIGEST = /^[0-9A-Fa-f]{64}$/

/** MOSIP 1.2 (id-authentication, IdAuthSecurityManager and IdAuthFilter). */
export function mosipCodec(keys: IdentityKeys): RequestCodec {
  async function openClaims(kind: AuthKind, sealed: SealedParts): Promise<unknown> {
    const opener = keys.opener(kind === 'internal' ? INTERNAL_KEY : REQUEST_KEY)
    const sessionKey = await unwrapOrRandom(backend, opener, sealed.thumbprint, sealed.sessionKey)
    try {
      // Both are opened whatever the first gives, and compared as a whole.
      const [text, hmac] = await Promise.allSettled([
        openWithTrailingIv(backend, sessionKey, sealed.request),
        openWithTrailingIv(backend, sessionKey, sealed.hmac),
      ])
      if (text.status === 'rejected') throw text.reason
      if (hmac.status === 'rejected') throw hmac.reason
      const digest = utf8(await upperHexDigest(text.value))
      if (!equalConstantTime(digest, hmac.value)) throw undecryptable()
      return JSON.parse(fromUtf8(text.value))
    } finally {
      overwrite(sessionKey)
    }
  }

  return {
    async open(kind, body, _partnerId, now): Promise<OpenedRequest> {
      const head = readHead(body, AUTH_REQUEST_IDS[kind], now)
      const id = readPersonId(body)
      const terms = readTerms(body)
      let opened: { readonly claims: unknown; readonly sealedFor: Uint8Array }
      if (kind === 'otp') return { ...head, id, ...terms, claims: { timestamp: head.requestTime } }
      try {
        const sealed = readSealed(body)
        const claims = await openClaims(kind, sealed)
        opened = { claims, sealedFor: sealed.sessionKey }
      } catch (error) {
        throw isFault(error) ? error : undecryptable()
      }
      const { claims, sealedFor } = opened
      return { ...head, id, ...terms, claims: readClaims(claims, kind, now), sealedFor }
    },

    async sealKyc({ certificate }, _request, identity) {
      const sessionKey = backend.randomBytes(SESSION_KEY_BYTES)
      try {
        const text = utf8(JSON.stringify(identity))
        return {
          sessionKey: toBase64url(await backend.rsa.encryptOaep(certificate.publicKey, sessionKey)),
          identity: toBase64url(await sealWithTrailingIv(backend, sessionKey, text)),
          thumbprint: upperHex(certificate.thumbprint),
        }
      } finally {
        overwrite(sessionKey)
      }
    },
  }
}

interface SealedParts {
  readonly thumbprint: Uint8Array
  readonly sessionKey: Uint8Array
  readonly request: Uint8Array
  readonly hmac: Uint8Array
}

function readSealed({ thumbprint, requestSessionKey, request, requestHMAC }: Json): SealedParts {
  const texts = [thumbprint, requestSessionKey, request, requestHMAC]
  if (!texts.every((text) => typeof text === 'string')) throw undecryptable()
  const [print, key, claims, hmac] = texts as [string, string, string, string]
  return {
    thumbprint: HEX_DIGEST.test(print) ? fromHexDigest(print) : fromAnyBase64(print),
    sessionKey: fromAnyBase64(key),
    request: fromAnyBase64(claims),
    hmac: fromAnyBase64(hmac),
  }
}

/** A store or an HSM that does not answer says nothing of the request. */
export function isFault(error: unknown): boolean {
  return error instanceof KeyhavenError && error.code === 'STORE_UNAVAILABLE'
}
