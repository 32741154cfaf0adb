import { type CryptoBackend, fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { upperHexDigest } from '../mosip/digest.ts'
import { type JwsSigner, type JwsTrust, signJwt, verifyJwt } from '../mosip/jws.ts'

/** Header of MOSIP's datashare answers. */
export const SHARE_SIGNATURE_HEADER = 'signature'
export const DIGEST_ALGORITHM = 'SHA256'

export interface ShareFacts {
  readonly filename: string
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly expires: number
  /** The subscriber. */
  readonly keyId: string
}

/**
 * MOSIP's signature of a share (durian, DigitalSignatureUtil): a JWT whose digest is base64url of the upper-case hex
 * digits of SHA-256 of the data before encryption.
 */
export async function signShare(signer: JwsSigner, facts: ShareFacts, data: Uint8Array): Promise<string> {
  const payload = {
    filename: facts.filename,
    created: new Date(facts.created).toISOString(),
    expires: new Date(facts.expires).toISOString(),
    keyid: facts.keyId,
    digestAlg: DIGEST_ALGORITHM,
    digest: await shareDigest(data),
  }
  return signJwt(signer, JSON.stringify(payload), { x5tS256: true })
}

/**
 * @param data - as it was opened.
 * @param keyId - the subscriber that it must be for.
 * @throws KeyhavenError `SIGNATURE_INVALID`; what `trust` throws.
 */
export async function verifyShare(
  backend: CryptoBackend,
  { jwt, data, keyId }: { readonly jwt: string; readonly data: Uint8Array; readonly keyId: string },
  trust: JwsTrust,
): Promise<ShareFacts> {
  const { payload } = await verifyJwt(backend, jwt, trust)
  const said = JSON.parse(fromUtf8(payload)) as Record<string, string>
  if (
    said.keyid !== keyId ||
    said.digestAlg !== DIGEST_ALGORITHM ||
    said.digest !== (await shareDigest(data))
  ) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the signature is not that of this data for this subscriber')
  }
  return {
    ...{ filename: String(said.filename), keyId },
    ...{ created: Date.parse(said.created!), expires: Date.parse(said.expires!) },
  }
}

async function shareDigest(data: Uint8Array): Promise<string> {
  return toBase64url(utf8(await upperHexDigest(data)))
}
