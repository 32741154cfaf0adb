import { backend, fromBase64url, KeyhavenError, openFailed, toBase64url } from '@keyhaven/crypto'
import { readHpkeStatement } from './hpke-statement.ts'
import type {
  KeyhavenClaims,
  KeyhavenContext,
  KeyhavenKind,
  KeyhavenRequestBody,
} from './keyhaven-request.ts'
import {
  AUTH_SUITE,
  KEYHAVEN_REQUEST_IDS,
  KEYHAVEN_VERSION,
  openKeyhavenKyc,
  sealKeyhavenClaims,
} from './keyhaven-request.ts'
import type { RelyingPartyContext, RelyingPartyWire, RequestHead } from './relying-party-wire.ts'
import { fetchFromIda, keptForAnHour } from './relying-party-wire.ts'

/** The requests of profile `keyhaven`: HPKE to IDA's signed key, the person's id inside. */
export function keyhavenWire(context: RelyingPartyContext): RelyingPartyWire {
  const { options, clock, trust } = context
  const recipient = keptForAnHour(clock, async () => {
    const { statement } = await fetchFromIda<{ statement?: unknown }>(context, 'keys')
    if (typeof statement !== 'string') {
      throw new KeyhavenError('UPSTREAM_FAILED', 'IDA gives out no key of profile keyhaven')
    }
    const { application, key, notAfter } = readHpkeStatement(await trust.verifyStatement(statement))
    if (notAfter <= clock()) throw new KeyhavenError('KEY_EXPIRED', 'the key of IDA has expired')
    const bytes = fromBase64url(key)
    return {
      application,
      keyId: toBase64url(await backend.sha256(bytes)),
      publicKey: await backend.kem.importPublicKey(AUTH_SUITE.kem, bytes),
    }
  })
  const contextOf = (application: string, kind: KeyhavenKind, head: RequestHead): KeyhavenContext => ({
    ...{ application, kind, partnerId: options.partnerId },
    ...{ transactionId: head.transactionId, requestTime: head.requestTime },
  })

  async function sealed(
    kind: KeyhavenKind,
    head: RequestHead,
    claims: Omit<KeyhavenClaims, 'individualId' | 'individualIdType'>,
  ): Promise<KeyhavenRequestBody> {
    const { application, keyId, publicKey } = await recipient()
    const request = await sealKeyhavenClaims(publicKey, contextOf(application, kind, head), {
      individualId: head.id,
      individualIdType: head.idType,
      ...claims,
    })
    return {
      id: KEYHAVEN_REQUEST_IDS[kind],
      version: KEYHAVEN_VERSION,
      transactionID: head.transactionId,
      requestTime: head.requestTime,
      keyId,
      request: toBase64url(request),
    }
  }

  return {
    request: (kind, head, claims, { consent, attributes }) =>
      sealed(kind, head, {
        consentObtained: consent,
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.domainUri === undefined ? {} : { domainUri: options.domainUri }),
        ...(attributes === undefined ? {} : { allowedKycAttributes: attributes }),
        claims,
      }),
    otp: (head, otpChannel) => sealed('otp', head, { consentObtained: true, otpChannel }),
    async openKyc(head, { identity }) {
      if (identity === null || options.encryptionKey === undefined) throw openFailed()
      const { application } = await recipient()
      const key = await backend.kem.importPrivateKey(AUTH_SUITE.kem, options.encryptionKey)
      return openKeyhavenKyc(key, contextOf(application, 'kyc', head), fromBase64url(identity))
    },
  }
}
