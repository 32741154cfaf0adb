import { KeyhavenError } from '@keyhaven/crypto'
import { type Zippable, zipSync } from 'fflate'
import { packetInvalid } from './packet-invalid.ts'
import { readZipDirectory, unpackEntry, type ZipEntry } from './zip-directory.ts'

/** Names a file that lies in a packet: letters, digits and `_ . - /`, no path that leads out of it. */
const ENTRY_NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}\/){0,2}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,159}$/
/** A sub-packet has one file for each field and six more. */
const MAX_ENTRIES = 262
/** Of all files of one zip file, unpacked. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024
/** A zip file knows no date before. */
const ZIP_EPOCH = '1980-01-01T00:00:00'

/**
 * Packs files in the given order. The dates in it are all the same, so that equal files give equal bytes.
 *
 * @throws TypeError on a name that no packet may have.
 */
export function packFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {}
  for (const [name, bytes] of files) {
    if (!ENTRY_NAME.test(name)) throw new TypeError(`not a name of a file in a packet: ${name}`)
    entries[name] = bytes
  }
  return zipSync(entries, { mtime: ZIP_EPOCH })
}

/**
 * Unpacks a zip file. Count, names and sizes are checked first, from its directory: memory and time are taken
 * for as many bytes as that says, for none beyond {@link MAX_UNPACKED_BYTES}, and for no byte of the zip file
 * twice.
 *
 * @param what - for the error: `container`, `sub-packet id`.
 * @throws KeyhavenError `PACKET_INVALID`
 */
export function unpackFiles(zip: Uint8Array, what: string): ReadonlyMap<string, Uint8Array> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw packetInvalid(`zip file of the ${what}: ${reason}`, cause)
  }
  const entries = new Map<string, ZipEntry>()
  let unpackedBytes = 0
  let packedBytes = 0
  try {
    for (const entry of readZipDirectory(zip)) {
      if (!ENTRY_NAME.test(entry.name)) refuse('name of a file')
      if (entries.has(entry.name)) refuse('a file twice')
      entries.set(entry.name, entry)
      unpackedBytes += entry.size
      packedBytes += entry.packed.length
      if (entries.size > MAX_ENTRIES) refuse('too many files')
      if (unpackedBytes > MAX_UNPACKED_BYTES || packedBytes > zip.length) refuse('too large')
    }
    return new Map([...entries].map(([name, entry]) => [name, unpackEntry(entry)]))
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    return refuse('damaged', error)
  }
}
