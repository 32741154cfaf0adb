import { KeyhavenError, readAtMost } from '@keyhaven/crypto'

/** The body of an answer. @throws KeyhavenError `WIRE_TOO_LARGE` as soon as it is longer; the rest is not read. */
export async function readAnswer(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readAtMost(response.body, maxBytes)
  if (bytes !== undefined) return bytes
  throw new KeyhavenError('WIRE_TOO_LARGE', `an answer of the directory over ${maxBytes} bytes`)
}
