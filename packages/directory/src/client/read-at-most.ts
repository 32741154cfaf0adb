import { KeyhavenError } from '@keyhaven/crypto'

/** The body of an answer. @throws KeyhavenError `WIRE_TOO_LARGE` as soon as it is longer; the rest is not read. */
export async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let length = 0
  if (response.body !== null) {
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > maxBytes) {
        await reader.cancel()
        throw new KeyhavenError('WIRE_TOO_LARGE', `an answer of the directory over ${maxBytes} bytes`)
      }
      pieces.push(value)
    }
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
