import { backend, toBase64url, utf8, Writer } from '@keyhaven/crypto'
import { TOKEN_ID_DIGITS, tokenId } from '../../mosip/token-id.ts'
import type { AuthPolicy } from '../../policy/policy-document.ts'
import type { Profile } from '../../profile.ts'

const SALT_LABEL = 'keyhaven ida token salt v1'
const TOKEN_LABEL = 'keyhaven ida token v1'
const SALTS = 1_000
const DECIMAL_LIMIT = 250

/** For whom a token is made. */
export interface TokenRecipient {
  readonly type: AuthPolicy['authTokenType']
  readonly partnerId: string
  readonly policyId: string
}

/**
 * Partner-specific tokens of people (PSUT): the same for one person at one partner, useless to link two
 * partners. `mosip` has MOSIP's digits, with salts that follow from a kept key; `keyhaven` is an HMAC under it.
 *
 * @param key - 32 bytes.
 */
export function createPersonTokens(key: Uint8Array, application: string, profile: Profile) {
  const keyed = (label: string, ...parts: readonly string[]) => {
    const writer = new Writer().bytes8(utf8(label)).bytes8(utf8(application))
    for (const part of parts) writer.bytes16(utf8(part))
    return backend.hmacSha256(key, writer.done())
  }
  const salt = async (kind: string, value: string): Promise<string> => {
    const [high = 0, low = 0] = (await backend.sha256(utf8(value))).subarray(-2)
    return toBase64url(await keyed(SALT_LABEL, kind, String((high * 256 + low) % SALTS)))
  }

  /** @param person - the person's token for this IDA, the same for UIN and VID. */
  return async ({ type, partnerId, policyId }: TokenRecipient, person: string): Promise<string> => {
    if (type === 'random') return randomDigits()
    const recipient = type === 'policy' ? policyId : partnerId
    if (profile === 'keyhaven') return toBase64url(await keyed(TOKEN_LABEL, type, recipient, person))
    return tokenId({
      uin: person,
      uinSalt: await salt('uin', person),
      partnerCode: recipient,
      partnerCodeSalt: await salt('partner', recipient),
    })
  }
}

/** Uniform: bytes that would favour some digits are drawn anew. */
function randomDigits(): string {
  let digits = ''
  while (digits.length < TOKEN_ID_DIGITS) {
    const [byte = DECIMAL_LIMIT] = backend.randomBytes(1)
    if (byte < DECIMAL_LIMIT) digits += byte % 10
  }
  return digits
}
