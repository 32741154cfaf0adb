import { fromBase64url, fromUtf8, KeyhavenError } from '@keyhaven/crypto'

/**
 * Reads base64url of UTF-8 JSON that is written exactly as `JSON.stringify` writes it. So one value has one
 * text: repeated members, white space and other spellings of a number or a letter are refused.
 *
 * @throws KeyhavenError `RECORD_INVALID`
 */
export function parseExactJson(base64url: string): unknown {
  let value: unknown
  try {
    const text = fromUtf8(fromBase64url(base64url))
    value = JSON.parse(text)
    if (JSON.stringify(value) !== text) throw new SyntaxError()
  } catch {
    throw new KeyhavenError('RECORD_INVALID', 'not JSON as JSON.stringify writes it')
  }
  return value
}
