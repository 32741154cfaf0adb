import { KeyhavenError } from '@keyhaven/crypto'
import { BhttpDecoder, type ControlReader } from './bhttp-decoder.ts'
import {
  AUTHORITY_MAX_BYTES,
  BHTTP_LIMITS,
  type BhttpLimits,
  METHOD_MAX_BYTES,
  SCHEME_MAX_BYTES,
} from './bhttp-limits.ts'
import {
  type BhttpField,
  type BhttpRequest,
  type BhttpRequestHead,
  INDETERMINATE_LENGTH_REQUEST,
  KNOWN_LENGTH_REQUEST,
} from './bhttp-message.ts'
import { checkHost, checkRequestControl, methodForbidsContent } from './bhttp-rules.ts'
import { type ByteQueue, INCOMPLETE } from './byte-queue.ts'
import {
  AUTHORITY_CHARACTERS,
  METHOD_CHARACTERS,
  SCHEME_CHARACTERS,
  TARGET_CHARACTERS,
} from './http-characters.ts'
import { joinBytes } from './join-bytes.ts'

/** Method, scheme, authority and path, in the order of the wire (RFC 9292 §3.4). */
const PARTS = [
  { what: 'the method', allowed: METHOD_CHARACTERS, maxBytes: METHOD_MAX_BYTES },
  { what: 'the scheme', allowed: SCHEME_CHARACTERS, maxBytes: SCHEME_MAX_BYTES },
  { what: 'the authority', allowed: AUTHORITY_CHARACTERS, maxBytes: AUTHORITY_MAX_BYTES },
  { what: 'the path', allowed: TARGET_CHARACTERS, maxBytes: undefined },
] as const

class RequestControlReader implements ControlReader<BhttpRequestHead> {
  readonly knownLengthFraming = KNOWN_LENGTH_REQUEST
  readonly indeterminateLengthFraming = INDETERMINATE_LENGTH_REQUEST
  readonly #maxPathBytes: number
  readonly #parts: string[] = []

  constructor(limits: BhttpLimits) {
    this.#maxPathBytes = limits.maxPathBytes
  }

  read(queue: ByteQueue): boolean {
    for (let index = this.#parts.length; index < PARTS.length; index++) {
      const { what, allowed, maxBytes } = PARTS[index]!
      const before = queue.available
      const length = queue.varint()
      if (length === INCOMPLETE) return false
      if (length > (maxBytes ?? this.#maxPathBytes)) throw new KeyhavenError('WIRE_TOO_LARGE', what)
      if (length > queue.available) {
        queue.unread(before - queue.available)
        return false
      }
      this.#parts.push(queue.text(length, allowed, what))
    }
    const [method, scheme, authority, path] = this.#parts as [string, string, string, string]
    checkRequestControl(method, scheme, authority, path)
    return true
  }

  complete(headers: BhttpField[]): BhttpRequestHead {
    const [method, scheme, authority, path] = this.#parts as [string, string, string, string]
    const head = { method, scheme, authority, path, headers }
    checkHost(head)
    return head
  }

  checkContent(length: number, declared: number | undefined): void {
    if (declared !== undefined && declared !== length) {
      throw new KeyhavenError('WIRE_MALFORMED', 'content is shorter than content-length')
    }
    if (length > 0 && methodForbidsContent(this.#parts[0]!)) {
      throw new KeyhavenError('WIRE_MALFORMED', 'content with a method that has none')
    }
  }
}

/** Reads one request as its bytes arrive; see {@link BhttpDecoder}. */
export class BhttpRequestDecoder extends BhttpDecoder<BhttpRequestHead> {
  constructor(limits: Partial<BhttpLimits> = {}) {
    const all = { ...BHTTP_LIMITS, ...limits }
    super(new RequestControlReader(all), all)
  }
}

/**
 * Reads a whole request (RFC 9292), of known or indeterminate length. What two programs could understand
 * differently is refused (bhttp-rules.ts).
 *
 * @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`.
 */
export function decodeRequest(bytes: Uint8Array, limits: Partial<BhttpLimits> = {}): BhttpRequest {
  const pieces: Uint8Array[] = []
  let head: BhttpRequestHead | undefined
  let trailers: readonly BhttpField[] = []
  for (const event of new BhttpRequestDecoder(limits).push(bytes, true)) {
    if (event.type === 'head') head = event.head
    else if (event.type === 'content') pieces.push(event.bytes)
    else trailers = event.trailers
  }
  return { ...head!, body: joinBytes(pieces), trailers }
}
