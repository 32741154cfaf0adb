import { fromBase64url, KeyhavenError } from '@keyhaven/crypto'

export { toBase64url as toBase64urlText } from '@keyhaven/crypto'

const MAX_PADDING = /={1,2}$/
const GROUP_CHARACTERS = 4

/**
 * Decodes what any MOSIP version wrote: the URL alphabet or the standard one, padded or not. One text keeps to
 * one alphabet; padding, where it is, is right. What we write is `toBase64url`.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function fromAnyBase64(text: string): Uint8Array<ArrayBuffer> {
  const padded = text.endsWith('=')
  if (padded && text.length % GROUP_CHARACTERS !== 0) throw new KeyhavenError('WIRE_MALFORMED', 'not base64')
  const bare = padded ? text.replace(MAX_PADDING, '') : text
  const isStandard = bare.includes('+') || bare.includes('/')
  if (!isStandard) return fromBase64url(bare)
  if (bare.includes('-') || bare.includes('_')) throw new KeyhavenError('WIRE_MALFORMED', 'not base64')
  return fromBase64url(bare.replaceAll('+', '-').replaceAll('/', '_'))
}
