import { type CryptoBackend, toBase64url, utf8, Writer } from '@keyhaven/crypto'

const LABEL = 'keyhaven demographic tag v1'
/** What MOSIP's demographic deduplication compares. */
const COMPARED = ['fullName', 'dateOfBirth', 'gender'] as const

/**
 * A keyed hash of name, date of birth and gender: equal for two registrations that say the same of a person,
 * whatever the capitals, accents written in two ways, order of languages and spaces.
 *
 * @param key - 32 bytes: without it a tag cannot be guessed.
 */
export async function demographicTag(
  backend: Pick<CryptoBackend, 'hmacSha256'>,
  key: Uint8Array,
  applicationId: string,
  identity: Readonly<Record<string, unknown>>,
): Promise<string> {
  const writer = new Writer().bytes8(utf8(LABEL)).bytes8(utf8(applicationId))
  for (const field of COMPARED) writer.bytes16(utf8(JSON.stringify(normalized(identity[field]))))
  return toBase64url(await backend.hmacSha256(key, writer.done()))
}

/** @returns texts by language, in the order of the languages. */
function normalized(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (!Array.isArray(value)) return null
  const texts = value.map((item: unknown) => {
    const { language, value: text } = (item ?? {}) as { language?: unknown; value?: unknown }
    return [String(language ?? ''), plain(String(text ?? ''))] as const
  })
  return texts.sort(([a], [b]) => (a < b ? -1 : 1))
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
}
