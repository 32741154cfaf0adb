import type { ByteRange } from '../platform/objects/object-store.ts'

/**
 * The range that a request asks for (RFC 9110 §14.2): one range of bytes. Another unit, several ranges, or
 * nonsense is as if nothing were asked.
 *
 * @param bytes - of the whole, at least 1.
 * @returns the bytes to send, both ends counted; undefined for all of them; `none` if there is nothing there.
 */
export function parseByteRange(
  header: string | null,
  bytes: number,
): Required<ByteRange> | 'none' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  const [from = '', to = ''] = match?.slice(1) ?? []
  if (match === null || (from === '' && to === '')) return undefined
  if (from === '') {
    const last = Math.min(Number(to), bytes)
    return last === 0 ? 'none' : { start: bytes - last, end: bytes - 1 }
  }
  const start = Number(from)
  const end = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1)
  if (to !== '' && Number(to) < start) return undefined
  return start >= bytes ? 'none' : { start, end }
}
