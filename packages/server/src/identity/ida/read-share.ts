import { randomBytes } from 'node:crypto'
import { backend, fromUtf8, KeyhavenError, readAtMost } from '@keyhaven/crypto'
import {
  fromAnyBase64,
  type JwsTrust,
  openHybrid,
  openShare,
  type Profile,
  READ_PROOF_HEADER,
  SHARE_SIGNATURE_HEADER,
  signRead,
  verifyShare,
} from '@keyhaven/identity'
import type { PartnerKey } from './partner-key.ts'

/** What an object store gives of one share at once. */
const MAX_SHARE_BYTES = 17 * 1_024 * 1_024
const TIMEOUT_MS = 30_000
const NONCE_BYTES = 16
const GET = /^(.*)\/get\/([^/]+)\/([^/]+)\/([^/?#]+)$/

export interface ShareReaderParts {
  readonly profile: Profile
  readonly partnerId: string
  /** The issuer's address: shares are read from there and from nowhere else. */
  readonly issuerUrl: string
  /** Its tenant, whose name is ours too: shares and attributes of profile `keyhaven` are bound to it. */
  readonly application: string
  readonly partnerKey: PartnerKey
  readonly issuer: JwsTrust
  readonly clock: () => number
}

/** Reads shares that an event names. */
export interface ShareReader {
  /**
   * @returns the share as it was given.
   * @throws KeyhavenError `UPSTREAM_REFUSED` (another server's address, or spent), `UPSTREAM_FAILED`.
   */
  fetch(uri: string): Promise<Uint8Array>
  /**
   * @param share - the very bytes that {@link fetch} gave.
   * @throws KeyhavenError `OPEN_FAILED`, `SIGNATURE_INVALID`
   */
  open(share: Uint8Array): Promise<Uint8Array>
}

interface Fetched {
  readonly uri: string
  readonly signature: string | null
}

export function createShareReader(parts: ShareReaderParts): ShareReader {
  const { profile, partnerId, partnerKey, issuer, clock } = parts
  const fetched = new WeakMap<Uint8Array, Fetched>()
  return {
    async fetch(uri) {
      if (!uri.startsWith(`${parts.issuerUrl}/`) || !GET.test(uri)) {
        throw new KeyhavenError('UPSTREAM_REFUSED', 'the share is not at the issuer’s address')
      }
      const nonce = randomBytes(NONCE_BYTES).toString('base64url')
      const proof = await signRead(await partnerKey.signer(), uri, { partnerId, nonce, issuedAt: clock() })
      const answer = await globalThis
        .fetch(uri, {
          redirect: 'error',
          headers: { [READ_PROOF_HEADER]: proof },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        .catch((cause: unknown) => {
          throw new KeyhavenError('UPSTREAM_FAILED', 'the issuer does not answer', { cause })
        })
      if (!answer.ok) {
        const code = answer.status >= 500 ? 'UPSTREAM_FAILED' : 'UPSTREAM_REFUSED'
        throw new KeyhavenError(code, `the issuer gives the share not out (${answer.status})`)
      }
      const bytes = await readAtMost(answer.body, MAX_SHARE_BYTES)
      if (bytes === undefined) throw new KeyhavenError('WIRE_TOO_LARGE', 'share')
      fetched.set(bytes, { uri, signature: answer.headers.get(SHARE_SIGNATURE_HEADER) })
      return bytes
    },

    async open(bytes) {
      const from = fetched.get(bytes)
      if (from === undefined) throw new TypeError('not a share that was fetched')
      const { uri, signature } = from
      const [, , policyId, subscriberId, key] = GET.exec(uri)!
      if (profile === 'keyhaven') {
        const binding = {
          ...{ applicationId: parts.application, partnerId: subscriberId! },
          ...{ policyId: policyId!, key: key! },
        }
        return (await openShare(backend, await partnerKey.shareKey(), bytes, binding, issuer)).data
      }
      const data = await openHybrid(backend, partnerKey.opener, fromAnyBase64(fromUtf8(bytes)))
      if (signature === null) throw new KeyhavenError('SIGNATURE_INVALID', 'the share is not signed')
      await verifyShare(backend, { jwt: signature, data, keyId: partnerId }, issuer)
      return data
    },
  }
}
