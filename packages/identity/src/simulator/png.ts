import { fromUtf8, utf8, Writer } from '@keyhaven/crypto'
import { zlibSync } from 'fflate'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const BIT_DEPTH = 8
const COLOUR_TYPE_RGB = 2
const RGB_BYTES = 3
/** Compression, filter and interlace methods: the only or simplest ones. */
const METHODS = Uint8Array.of(0, 0, 0)
const CHUNK_OVERHEAD_BYTES = 12
const CRC_POLYNOMIAL = 0xedb88320
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC_POLYNOMIAL : crc >>> 1
  return crc
})

/**
 * Writes a PNG image (ISO/IEC 15948) of red, green and blue bytes, line by line.
 *
 * @param chunk - one more chunk, of a private ancillary type, that viewers pass over.
 */
export function encodePng(
  size: { readonly width: number; readonly height: number },
  rgb: Uint8Array,
  chunk: { readonly type: string; readonly data: Uint8Array },
): Uint8Array {
  const { width, height } = size
  const line = width * RGB_BYTES
  // Each line begins with its filter: 0, none.
  const filtered = new Uint8Array((line + 1) * height)
  for (let y = 0; y < height; y++) filtered.set(rgb.subarray(y * line, (y + 1) * line), y * (line + 1) + 1)
  const header = new Writer().u32(width).u32(height).u8(BIT_DEPTH).u8(COLOUR_TYPE_RGB).bytes(METHODS).done()
  return new Writer()
    .bytes(SIGNATURE)
    .bytes(encodeChunk('IHDR', header))
    .bytes(encodeChunk(chunk.type, chunk.data))
    .bytes(encodeChunk('IDAT', zlibSync(filtered, { level: 6 })))
    .bytes(encodeChunk('IEND', new Uint8Array(0)))
    .done()
}

/** The data of the first chunk of a type. @returns undefined if there is none, or it is no PNG image. */
export function pngChunk(png: Uint8Array, type: string): Uint8Array | undefined {
  if (SIGNATURE.some((byte, at) => png[at] !== byte)) return undefined
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  for (let at = SIGNATURE.length; at + CHUNK_OVERHEAD_BYTES <= png.length; ) {
    const length = view.getUint32(at)
    const data = at + 8
    if (data + length + 4 > png.length) return undefined
    const name = png.subarray(at + 4, data)
    if (name.every((byte) => byte < 0x80) && fromUtf8(name) === type) return png.slice(data, data + length)
    at = data + length + 4
  }
  return undefined
}

function encodeChunk(type: string, data: Uint8Array): Uint8Array {
  const named = new Writer().bytes(utf8(type)).bytes(data).done()
  let crc = 0xffffffff
  for (const byte of named) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return new Writer()
    .u32(data.length)
    .bytes(named)
    .u32((crc ^ 0xffffffff) >>> 0)
    .done()
}
