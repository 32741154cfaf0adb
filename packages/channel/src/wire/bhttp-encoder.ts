import { varintBytes } from '@keyhaven/crypto'
import {
  type BhttpField,
  type BhttpRequest,
  type BhttpRequestHead,
  type BhttpResponse,
  type BhttpResponseHead,
  FINAL_STATUS_MIN,
  INDETERMINATE_LENGTH_REQUEST,
  INDETERMINATE_LENGTH_RESPONSE,
  KNOWN_LENGTH_REQUEST,
  KNOWN_LENGTH_RESPONSE,
  STATUS_MAX,
} from './bhttp-message.ts'

/** Writes text of one byte a character, and lengths, into a buffer whose size was computed before. */
class Output {
  readonly bytes: Uint8Array<ArrayBuffer>
  #at = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
  }

  varint(value: number): void {
    const length = varintBytes(value)
    let rest = value
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      this.bytes[at] = rest % 256
      rest = Math.floor(rest / 256)
    }
    this.bytes[this.#at]! |= Math.log2(length) << 6
    this.#at += length
  }

  text(value: string): void {
    const bytes = this.bytes
    let at = this.#at
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0xff) throw new TypeError('text of a message must have one byte a character')
      bytes[at++] = code
    }
    this.#at = at
  }

  prefixed(value: string): void {
    this.varint(value.length)
    this.text(value)
  }

  fields(fields: readonly BhttpField[]): void {
    for (const [name, value] of fields) {
      this.prefixed(name)
      this.prefixed(value)
    }
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.#at)
    this.#at += value.length
  }
}

function prefixedBytes(length: number): number {
  return varintBytes(length) + length
}

function fieldsBytes(fields: readonly BhttpField[]): number {
  let length = 0
  for (const [name, value] of fields) {
    if (name.length === 0) throw new TypeError('field without a name')
    length += prefixedBytes(name.length) + prefixedBytes(value.length)
  }
  return length
}

/** How a message grows by zero bytes at its end (RFC 9292 §3.8), from its length to its padded length. */
export type PaddedLength = (length: number) => number

const NO_FIELDS: readonly BhttpField[] = []
/** The terminator of a section or of content in the indeterminate-length form. */
const TERMINATOR_BYTES = 1

function controlBytes(parts: readonly string[]): number {
  let length = 0
  for (const part of parts) length += prefixedBytes(part.length)
  return length
}

function requestControl(head: BhttpRequestHead): string[] {
  return [head.method, head.scheme, head.authority, head.path]
}

function checkStatus(status: number): void {
  if (!Number.isInteger(status) || status < FINAL_STATUS_MIN || status > STATUS_MAX) {
    throw new TypeError('status must be 200 to 599')
  }
}

function encodeKnown(
  framing: number,
  controlLength: number,
  writeControl: (output: Output) => void,
  message: Pick<BhttpRequest, 'headers' | 'body' | 'trailers'>,
  paddedLength: PaddedLength | undefined,
): Uint8Array<ArrayBuffer> {
  const trailers = message.trailers ?? NO_FIELDS
  const headersLength = fieldsBytes(message.headers)
  const trailersLength = fieldsBytes(trailers)
  const length =
    varintBytes(framing) +
    controlLength +
    prefixedBytes(headersLength) +
    prefixedBytes(message.body.length) +
    prefixedBytes(trailersLength)
  const padded = paddedLength === undefined ? length : paddedLength(length)
  if (padded < length) throw new TypeError('padded length is under the length')
  const output = new Output(padded)
  output.varint(framing)
  writeControl(output)
  output.varint(headersLength)
  output.fields(message.headers)
  output.varint(message.body.length)
  output.raw(message.body)
  output.varint(trailersLength)
  output.fields(trailers)
  return output.bytes
}

/**
 * A request of known length (RFC 9292 §3.1).
 *
 * @param paddedLength - for instance `padmeLength`; without it there is no padding.
 * @throws TypeError on text that has more than one byte a character, or a field without a name.
 */
export function encodeRequest(request: BhttpRequest, paddedLength?: PaddedLength): Uint8Array<ArrayBuffer> {
  const parts = requestControl(request)
  const write = (output: Output) => {
    for (const part of parts) output.prefixed(part)
  }
  return encodeKnown(KNOWN_LENGTH_REQUEST, controlBytes(parts), write, request, paddedLength)
}

/** A response of known length (RFC 9292 §3.1); see {@link encodeRequest}. */
export function encodeResponse(
  response: BhttpResponse,
  paddedLength?: PaddedLength,
): Uint8Array<ArrayBuffer> {
  checkStatus(response.status)
  const write = (output: Output) => output.varint(response.status)
  return encodeKnown(KNOWN_LENGTH_RESPONSE, varintBytes(response.status), write, response, paddedLength)
}

/** The start of a request of indeterminate length (RFC 9292 §3.2), up to its content. */
export function encodeRequestHead(head: BhttpRequestHead): Uint8Array<ArrayBuffer> {
  const parts = requestControl(head)
  const framingBytes = varintBytes(INDETERMINATE_LENGTH_REQUEST)
  const output = new Output(framingBytes + controlBytes(parts) + fieldsBytes(head.headers) + TERMINATOR_BYTES)
  output.varint(INDETERMINATE_LENGTH_REQUEST)
  for (const part of parts) output.prefixed(part)
  output.fields(head.headers)
  return output.bytes
}

/** The start of a response of indeterminate length (RFC 9292 §3.2), up to its content. */
export function encodeResponseHead(head: BhttpResponseHead): Uint8Array<ArrayBuffer> {
  checkStatus(head.status)
  const controlLength = varintBytes(INDETERMINATE_LENGTH_RESPONSE) + varintBytes(head.status)
  const output = new Output(controlLength + fieldsBytes(head.headers) + TERMINATOR_BYTES)
  output.varint(INDETERMINATE_LENGTH_RESPONSE)
  output.varint(head.status)
  output.fields(head.headers)
  return output.bytes
}

/**
 * The end of a message of indeterminate length: no more content, the trailers, padding.
 *
 * @param paddingBytes - zero bytes to add.
 */
export function encodeEnd(
  trailers: readonly BhttpField[] = NO_FIELDS,
  paddingBytes = 0,
): Uint8Array<ArrayBuffer> {
  const output = new Output(TERMINATOR_BYTES + fieldsBytes(trailers) + TERMINATOR_BYTES + paddingBytes)
  output.varint(0)
  output.fields(trailers)
  return output.bytes
}
