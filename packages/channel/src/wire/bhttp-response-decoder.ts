import { KeyhavenError } from '@keyhaven/crypto'
import { BhttpDecoder, type ControlReader } from './bhttp-decoder.ts'
import { BHTTP_LIMITS, type BhttpLimits } from './bhttp-limits.ts'
import {
  type BhttpField,
  type BhttpResponse,
  type BhttpResponseHead,
  FINAL_STATUS_MIN,
  INDETERMINATE_LENGTH_RESPONSE,
  INFORMATIONAL_STATUS_MIN,
  KNOWN_LENGTH_RESPONSE,
  STATUS_MAX,
} from './bhttp-message.ts'
import { type ByteQueue, INCOMPLETE } from './byte-queue.ts'
import { joinBytes } from './join-bytes.ts'

class ResponseControlReader implements ControlReader<BhttpResponseHead> {
  readonly knownLengthFraming = KNOWN_LENGTH_RESPONSE
  readonly indeterminateLengthFraming = INDETERMINATE_LENGTH_RESPONSE
  readonly #maxInformational: number
  #informational = 0
  #status = 0

  constructor(limits: BhttpLimits) {
    this.#maxInformational = limits.maxInformationalResponses
  }

  read(queue: ByteQueue): boolean {
    const status = queue.varint()
    if (status === INCOMPLETE) return false
    if (status < INFORMATIONAL_STATUS_MIN || status > STATUS_MAX) {
      throw new KeyhavenError('WIRE_MALFORMED', 'status code')
    }
    if (status < FINAL_STATUS_MIN && ++this.#informational > this.#maxInformational) {
      throw new KeyhavenError('WIRE_TOO_LARGE', 'number of informational responses')
    }
    this.#status = status
    return true
  }

  complete(headers: BhttpField[], contentLength: number | undefined): BhttpResponseHead | undefined {
    if (this.#status >= FINAL_STATUS_MIN) return { status: this.#status, headers }
    if (contentLength !== undefined) {
      throw new KeyhavenError('WIRE_MALFORMED', 'content-length in an informational response')
    }
    return undefined
  }

  /**
   * An answer to HEAD and a 304 carry the `content-length` of content that they do not have (RFC 9110 §8.6).
   */
  checkContent(length: number, declared: number | undefined): void {
    if (declared !== undefined && length > 0 && declared !== length) {
      throw new KeyhavenError('WIRE_MALFORMED', 'content is shorter than content-length')
    }
  }
}

/** Reads one response as its bytes arrive; see {@link BhttpDecoder}. */
export class BhttpResponseDecoder extends BhttpDecoder<BhttpResponseHead> {
  constructor(limits: Partial<BhttpLimits> = {}) {
    const all = { ...BHTTP_LIMITS, ...limits }
    super(new ResponseControlReader(all), all)
  }
}

/**
 * Reads a whole response (RFC 9292), of known or indeterminate length.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`.
 */
export function decodeResponse(bytes: Uint8Array, limits: Partial<BhttpLimits> = {}): BhttpResponse {
  const pieces: Uint8Array[] = []
  let head: BhttpResponseHead | undefined
  let trailers: readonly BhttpField[] = []
  for (const event of new BhttpResponseDecoder(limits).push(bytes, true)) {
    if (event.type === 'head') head = event.head
    else if (event.type === 'content') pieces.push(event.bytes)
    else trailers = event.trailers
  }
  return { ...head!, body: joinBytes(pieces), trailers }
}
