import { backend, toHex, utf8 } from '@keyhaven/crypto'
import { upperHex } from './digest.ts'

/** Digits of a token, `mosip.kernel.tokenid.length`. */
export const TOKEN_ID_DIGITS = 36

export interface TokenIdInput {
  readonly uin: string
  readonly uinSalt: string
  readonly partnerCode: string
  readonly partnerCodeSalt: string
}

/**
 * The partner-specific user token (PSUT): the same for one person at one partner, different at another. The
 * text of a double SHA-256 read as one number, its first digits.
 */
export async function tokenId(
  { uin, uinSalt, partnerCode, partnerCodeSalt }: TokenIdInput,
  digits: number = TOKEN_ID_DIGITS,
): Promise<string> {
  const person = await doubleDigest(uin + uinSalt)
  const token = await doubleDigest(partnerCodeSalt + partnerCode + person)
  return BigInt(`0x${toHex(utf8(token))}`)
    .toString()
    .slice(0, digits)
}

async function doubleDigest(text: string): Promise<string> {
  return upperHex(await backend.sha256(await backend.sha256(utf8(text))))
}
