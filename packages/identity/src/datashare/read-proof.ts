import { type CryptoBackend, fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { type JwsSigner, signJwt, verifyJwt } from '../mosip/jws.ts'
import { requireSame } from '../partners/encryption-key.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Header that a partner's read of a share carries in profile `keyhaven`. */
export const READ_PROOF_HEADER = 'keyhaven-partner-proof'
/** A proof counts so long after its date, and so long before it for clocks that differ. */
export const READ_PROOF_SECONDS = 60
const PURPOSE = 'keyhaven share read v1'
const NONCE = /^[\w-]{16,64}$/
const MS_PER_SECOND = 1_000

/** What a proof says: this call, now, once. */
export interface ReadProof {
  readonly partnerId: string
  /** Chosen at random, used once. */
  readonly nonce: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly issuedAt: number
}

/** @param url - the whole address of the share. @returns the header's value. */
export function signRead(signer: JwsSigner, url: string, proof: ReadProof): Promise<string> {
  const payload = {
    ...{ purpose: PURPOSE, htm: 'GET', htu: url, sub: proof.partnerId },
    ...{ jti: proof.nonce, iat: Math.floor(proof.issuedAt / MS_PER_SECOND) },
  }
  return signJwt(signer, JSON.stringify(payload), { x5c: false, x5tS256: true })
}

/**
 * Verifies who reads. That the nonce is unused is for the store to decide, together with the read.
 *
 * @param certificate - the partner's of now, whose chain was checked.
 * @param now - milliseconds since the epoch.
 * @throws KeyhavenError `SIGNATURE_INVALID`, `CLOCK_SKEW`.
 */
export async function verifyRead(
  backend: CryptoBackend,
  header: string,
  expected: {
    readonly url: string
    readonly partnerId: string
    readonly certificate: Certificate
    readonly now: number
  },
): Promise<ReadProof> {
  const { certificate } = expected
  const { payload } = await verifyJwt(backend, header, {
    ...{ certificate, trust: ([signer]) => requireSame(signer, certificate) },
  })
  const said = claimsOf(payload)
  const { purpose, htm, htu, sub, jti, iat } = said
  const fits = purpose === PURPOSE && htm === 'GET' && htu === expected.url && sub === expected.partnerId
  if (!fits || typeof jti !== 'string' || !NONCE.test(jti) || typeof iat !== 'number') {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the proof is for another call')
  }
  const issuedAt = iat * MS_PER_SECOND
  if (!(Math.abs(expected.now - issuedAt) <= READ_PROOF_SECONDS * MS_PER_SECOND)) {
    throw new KeyhavenError('CLOCK_SKEW', 'the proof was made at another time')
  }
  return { partnerId: expected.partnerId, nonce: jti, issuedAt }
}

/** What is no JSON object claims nothing. */
function claimsOf(payload: Uint8Array): Record<string, unknown> {
  try {
    return Object(JSON.parse(fromUtf8(payload))) as Record<string, unknown>
  } catch {
    return {}
  }
}
