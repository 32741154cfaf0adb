import { KeyhavenError } from '@keyhaven/crypto'
import { unzipSync, type Zippable, zipSync } from 'fflate'
import { packetInvalid } from './packet-invalid.ts'

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
 * Unpacks a zip file. Count, names and sizes are checked first, from its directory: memory is taken for as many
 * bytes as that says and for none beyond {@link MAX_UNPACKED_BYTES}.
 *
 * @param what - for the error: `container`, `sub-packet id`.
 * @throws KeyhavenError `PACKET_INVALID`
 */
export function unpackFiles(zip: Uint8Array, what: string): ReadonlyMap<string, Uint8Array> {
  const sizes = new Map<string, number>()
  let total = 0
  const refuse = (reason: string): never => {
    throw packetInvalid(`zip file of the ${what}: ${reason}`)
  }
  let unpacked: Record<string, Uint8Array>
  try {
    unpacked = unzipSync(zip, {
      filter: ({ name, originalSize }) => {
        if (!ENTRY_NAME.test(name)) refuse('name of a file')
        if (sizes.has(name)) refuse('a file twice')
        sizes.set(name, originalSize)
        total += originalSize
        if (sizes.size > MAX_ENTRIES) refuse('too many files')
        return total <= MAX_UNPACKED_BYTES || refuse('too large')
      },
    })
  } catch (error) {
    if (error instanceof KeyhavenError) throw error
    throw packetInvalid(`zip file of the ${what}: damaged`, error)
  }
  const files = new Map<string, Uint8Array>()
  for (const [name, size] of sizes) {
    const bytes = unpacked[name]
    if (bytes?.length !== size) refuse('size of a file')
    files.set(name, bytes!)
  }
  return files
}
