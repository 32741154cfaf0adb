import { backend, toBase64url, utf8 } from '@keyhaven/crypto'

/**
 * Member `req` of the header of an answer's signature: which request it answers. The transaction id alone does not
 * say so: two partners may choose the same, and whoever carries requests could hand one the answer of the other.
 *
 * @param signature - the request's header `signature`, as it was sent: it covers the whole body, by one partner.
 * @returns base64url of SHA-256.
 */
export async function requestDigest(signature: string): Promise<string> {
  return toBase64url(await backend.sha256(utf8(signature)))
}
