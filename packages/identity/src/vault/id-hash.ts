import type { CryptoBackend } from '@keyhaven/crypto'
import { toHex, utf8 } from '@keyhaven/crypto'

/** Rows of the table of salts: MOSIP keeps three decimal digits of a number made from the id's hash. */
export const ID_HASH_SALTS = 1_000
/** Hex characters at the end of the digest that make the number. */
const MODULO_HEX_CHARACTERS = 3
const HEX_BASE = 16

/**
 * Which salt an id's hash takes (getSaltKeyForHashOfId of MOSIP): the last three hex characters of its
 * SHA-256 as a number, then the last three decimal digits of that; 4095 gives 95.
 */
export async function idHashModulo(backend: Pick<CryptoBackend, 'sha256'>, id: string): Promise<number> {
  const digest = toHex(await backend.sha256(utf8(id)))
  return Number.parseInt(digest.slice(-MODULO_HEX_CHARACTERS), HEX_BASE) % ID_HASH_SALTS
}

/**
 * UPPERHEX(SHA-256(id ‖ salt)), both as text: what MOSIP's IDA looks a person up by. Ids are short: whoever
 * has the salts can try them all.
 */
export async function idHash(
  backend: Pick<CryptoBackend, 'sha256'>,
  id: string,
  salt: string,
): Promise<string> {
  return toHex(await backend.sha256(utf8(id + salt))).toUpperCase()
}
