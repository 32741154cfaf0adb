import { Inflate, inflateSync } from 'fflate'

const END_SIGNATURE = 0x0605_4b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535
const ENTRY_SIGNATURE = 0x0201_4b50
const ENTRY_BYTES = 46
const LOCAL_SIGNATURE = 0x0403_4b50
const LOCAL_BYTES = 30
const ENCRYPTED_FLAG = 1
const STORED = 0
const DEFLATED = 8
/** Inflated at once: it grows to a thousand times as much at most, for which a tenth of a second goes. */
const PIECE_BYTES = 16_384

/** A file as the directory of a zip file has it (APPNOTE.TXT 6.3.10, 4.3.12); nothing is unpacked yet. */
export interface ZipEntry {
  /** Each byte one character: what is not ASCII is no name of ours. */
  readonly name: string
  /** As the directory says, in bytes. */
  readonly size: number
  readonly packed: Uint8Array
  readonly deflated: boolean
}

/**
 * The entries one after the other. A reader of its own, and not the library's: that one copies stored files by
 * another size than the one it tells of, and inflates to the end whatever the directory says.
 *
 * @throws RangeError if it is no zip file, or one of several parts, encrypted, or of over 4 GB.
 */
export function* readZipDirectory(zip: Uint8Array): Generator<ZipEntry, void, void> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength)
  const end = findEnd(view)
  const entries = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  for (let entry = 0; entry < entries; entry++) {
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) throw new RangeError('entry')
    const method = view.getUint16(at + 10, true)
    const isEncrypted = (view.getUint16(at + 8, true) & ENCRYPTED_FLAG) !== 0
    if (isEncrypted || (method !== STORED && method !== DEFLATED)) throw new RangeError('method')
    const packedBytes = view.getUint32(at + 20, true)
    const nameBytes = view.getUint16(at + 28, true)
    const nameAt = at + ENTRY_BYTES
    const start = dataStart(view, view.getUint32(at + 42, true))
    if (nameAt + nameBytes > zip.length || start + packedBytes > zip.length) throw new RangeError('length')
    yield {
      name: String.fromCharCode(...zip.subarray(nameAt, nameAt + nameBytes)),
      size: view.getUint32(at + 24, true),
      packed: zip.subarray(start, start + packedBytes),
      deflated: method === DEFLATED,
    }
    at = nameAt + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
}

function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at
  }
  throw new RangeError('end')
}

/** Behind the local header, whose name and extra field have lengths of their own. */
function dataStart(view: DataView, at: number): number {
  if (view.getUint32(at, true) !== LOCAL_SIGNATURE) throw new RangeError('local header')
  return at + LOCAL_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true)
}

/**
 * Unpacks a file no further than the directory says, and a piece: neither memory nor time is taken for more.
 *
 * @throws Error if it has another size, or is not DEFLATE.
 */
export function unpackEntry({ size, packed, deflated }: ZipEntry): Uint8Array {
  if (!deflated) {
    if (packed.length !== size) throw new RangeError('size')
    return packed.slice()
  }
  if (packed.length <= PIECE_BYTES) {
    // With room for one byte more: what a stream says beyond its buffer is not kept.
    const whole = inflateSync(packed, { out: new Uint8Array(size + 1) })
    if (whole.length !== size) throw new RangeError('size')
    return whole
  }
  return unpackInPieces(size, packed)
}

function unpackInPieces(size: number, packed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(size)
  let at = 0
  let ended = false
  const stream = new Inflate((piece, final) => {
    if (at + piece.length > size) throw new RangeError('size')
    bytes.set(piece, at)
    at += piece.length
    ended = final
  })
  for (let from = 0; from < packed.length; from += PIECE_BYTES) {
    const to = from + PIECE_BYTES
    stream.push(packed.subarray(from, to), to >= packed.length)
  }
  if (!ended || at !== size) throw new RangeError('size')
  return bytes
}
