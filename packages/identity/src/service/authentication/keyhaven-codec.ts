import { backend, fromBase64url, toBase64url } from '@keyhaven/crypto'
import type { AuthKind } from '../../authentication/auth-messages.ts'
import type { KeyhavenContext, KeyhavenKind } from '../../authentication/keyhaven-request.ts'
import {
  AUTH_SUITE,
  KEYHAVEN_REQUEST_IDS,
  openKeyhavenClaims,
  sealKeyhavenKyc,
} from '../../authentication/keyhaven-request.ts'
import type { HpkeRequestKeys } from './hpke-request-keys.ts'
import { refuse, undecryptable } from './ida-refusal.ts'
import type { Json, OpenedRequest, RequestHead } from './opened-request.ts'
import { readClaims, readHead, readPersonId, readTerms } from './opened-request.ts'
import type { RequestCodec } from './request-codec.ts'

/** Profile `keyhaven`: HPKE with its context bound in, the person's id inside. */
export function keyhavenCodec(keys: HpkeRequestKeys, application: string): RequestCodec {
  const contextOf = (kind: KeyhavenKind, partnerId: string, head: RequestHead): KeyhavenContext => ({
    ...{ application, partnerId, kind },
    ...{ transactionId: head.transactionId, requestTime: head.requestTime },
  })

  return {
    async open(kind: AuthKind, body: Json, partnerId, now): Promise<OpenedRequest> {
      // The oblivious PRF answers only for what a partner has signed: there is no internal use.
      if (kind === 'internal' || partnerId === undefined) throw refuse('PARAMETER_INVALID', 'id')
      const head = readHead(body, KEYHAVEN_REQUEST_IDS[kind], now)
      const opened = await openSealed(body, contextOf(kind, partnerId, head))
      const claims = kind === 'otp' ? { timestamp: head.requestTime } : readClaims(opened.claims, kind, now)
      return { ...head, id: readPersonId(opened), ...readTerms(opened), claims }
    },

    async sealKyc({ partner, partnerId }, request, identity) {
      const { encryptionKey } = partner.update
      if (encryptionKey === null) throw refuse('CERTIFICATE_MISSING')
      const bytes = fromBase64url(encryptionKey)
      const publicKey = await backend.kem.importPublicKey(AUTH_SUITE.kem, bytes)
      const sealed = await sealKeyhavenKyc(publicKey, contextOf('kyc', partnerId, request), identity)
      return {
        sessionKey: null,
        identity: toBase64url(sealed),
        thumbprint: toBase64url(await backend.sha256(bytes)),
      }
    },
  }

  async function openSealed({ keyId, request }: Json, context: KeyhavenContext): Promise<Json> {
    try {
      const key = await keys.byId(String(keyId))
      if (key === undefined || typeof request !== 'string') throw undecryptable()
      const opened = await openKeyhavenClaims(key.privateKey, context, fromBase64url(request))
      return opened as unknown as Json
    } catch {
      throw undecryptable()
    }
  }
}
