import { KeyhavenError, Reader, Writer } from '@keyhaven/crypto'
import { MAX_LEAF_BYTES } from './leaf.ts'
import { TILE_WIDTH } from './tile-path.ts'

/** Longest bundle that is read: 256 entries behind their u16 lengths. */
export const MAX_ENTRY_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_LEAF_BYTES)

// 1 to 256 times: u16 big-endian length, entry (C2SP tlog-tiles, "Log entries")
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  requireWidth(entries.length)
  const writer = new Writer()
  for (const entry of entries) {
    if (entry.length > MAX_LEAF_BYTES) throw new TypeError(`an entry has at most ${MAX_LEAF_BYTES} bytes`)
    writer.bytes16(entry)
  }
  return writer.done()
}

/**
 * @param width - how many entries there must be.
 * @throws KeyhavenError `WIRE_MALFORMED` on fewer, more, or trailing bytes; `WIRE_TOO_LARGE` on an entry over
 * {@link MAX_LEAF_BYTES} or a bundle over {@link MAX_ENTRY_BUNDLE_BYTES}.
 */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  requireWidth(width)
  if (bytes.length > MAX_ENTRY_BUNDLE_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'entry bundle')
  const reader = new Reader(bytes)
  const entries: Uint8Array[] = []
  for (let at = 0; at < width; at++) entries.push(reader.bytes16(MAX_LEAF_BYTES))
  reader.end()
  return entries
}

function requireWidth(width: number): void {
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TypeError('a bundle has 1 to 256 entries')
  }
}
