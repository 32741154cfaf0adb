import { fromUtf8, KeyhavenError, readAtMost } from '@keyhaven/crypto'

/**
 * Reads the body of an answer.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` as soon as it is longer; the rest is not read.
 */
export async function readAnswer(answer: Response, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readAtMost(answer.body, maxBytes)
  if (bytes !== undefined) return bytes
  throw new KeyhavenError('WIRE_TOO_LARGE', `an answer over ${maxBytes} bytes`)
}

/** The same, of JSON. @throws SyntaxError, and KeyhavenError, for what is none. */
export async function readJsonAnswer(answer: Response, maxBytes: number): Promise<unknown> {
  return JSON.parse(fromUtf8(await readAnswer(answer, maxBytes)))
}
