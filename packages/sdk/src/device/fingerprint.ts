import { type CryptoBackend, utf8 } from '@keyhaven/crypto'

const GROUPS = 5
const GROUP_BYTES = 4
const GROUP_DIGITS = 5
const GROUP_VALUES = 100_000

/** 25 digits in 5 groups of a SHA-256, for people to compare the text of a request on two screens. */
export async function fingerprintOf(backend: CryptoBackend, text: string): Promise<string> {
  const hash = await backend.sha256(utf8(text))
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  const groups = Array.from({ length: GROUPS }, (_, at) => view.getUint32(at * GROUP_BYTES) % GROUP_VALUES)
  return groups.map((value) => String(value).padStart(GROUP_DIGITS, '0')).join(' ')
}
