import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'

/**
 * Reads the body of an answer.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` as soon as it is longer; the rest is not read.
 */
export async function readAnswer(answer: Response, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  const reader = answer.body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw new KeyhavenError('WIRE_TOO_LARGE', `an answer over ${maxBytes} bytes`)
    }
    pieces.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** The same, of JSON. @throws SyntaxError, and KeyhavenError, for what is none. */
export async function readJsonAnswer(answer: Response, maxBytes: number): Promise<unknown> {
  return JSON.parse(fromUtf8(await readAnswer(answer, maxBytes)))
}
