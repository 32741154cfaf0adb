import { KeyhavenError } from '@keyhaven/crypto'

/** Reads a number of bytes, then others, from pieces of any length. */
export class TakeBytes {
  readonly #pieces: AsyncGenerator<Uint8Array, void, void>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncGenerator<Uint8Array, void, void>) {
    this.#pieces = pieces
  }

  /** @throws KeyhavenError `WIRE_MALFORMED` if there are not so many. */
  async take(bytes: number): Promise<Uint8Array> {
    return collect(this.some(bytes))
  }

  /** The next bytes as they come. @throws KeyhavenError `WIRE_MALFORMED` if there are not so many. */
  async *some(bytes: number): AsyncGenerator<Uint8Array, void, void> {
    let left = bytes
    while (left > 0) {
      const piece = this.#rest.length > 0 ? this.#rest : (await this.#pieces.next()).value
      if (piece === undefined) throw new KeyhavenError('WIRE_MALFORMED', 'fewer bytes than there should be')
      const wanted = piece.subarray(0, left)
      this.#rest = piece.subarray(wanted.length)
      left -= wanted.length
      if (wanted.length > 0) yield wanted
    }
  }

  async *rest(): AsyncGenerator<Uint8Array, void, void> {
    if (this.#rest.length > 0) yield this.#rest
    this.#rest = new Uint8Array(0)
    yield* this.#pieces
  }

  async close(): Promise<void> {
    await this.#pieces.return()
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    parts.push(piece)
    length += piece.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
