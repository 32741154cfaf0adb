import type { Awaitable } from '@keyhaven/crypto'
import { type BhttpField, FINAL_STATUS_MIN, STATUS_MAX } from '../wire/bhttp-message.ts'
import { endToEndFields } from './hop-by-hop.ts'
import { partsBody, type ResponseParts, responseParts } from './light-response.ts'

/** A handler's response, its body not read further than needed to know whether it is short. */
export interface ReadResponse {
  readonly status: number
  readonly fields: readonly BhttpField[]
  /** Whole, or still coming: the pieces read so far and where the rest comes from. */
  readonly body: Uint8Array | StreamedBody
}

export interface StreamedBody {
  readonly first: Uint8Array | undefined
  readonly next: Promise<ReadableStreamReadResult<Uint8Array>>
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
}

const NOTHING = new Uint8Array(0)
const TEXT_TYPE: BhttpField = ['content-type', 'text/plain;charset=UTF-8']
const STATUSES_WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Takes a response apart.
 *
 * @param method - of the request: an answer to HEAD has no content.
 * @throws TypeError if a final response cannot have this status (`Response.error()`, an upgrade).
 */
export function readResponse(response: Response, method: string): Awaitable<ReadResponse> {
  const remembered = responseParts(response)
  const status = remembered?.status ?? response.status
  if (status < FINAL_STATUS_MIN || status > STATUS_MAX) throw new TypeError('status of a response')
  const empty = method === 'HEAD' || STATUSES_WITHOUT_CONTENT.has(status)
  if (remembered !== undefined) {
    const body = (empty ? undefined : partsBody(remembered)) ?? NOTHING
    return { status, fields: settleLength(endToEndFields(fieldsOf(remembered)), empty, body.length), body }
  }
  const fields = endToEndFields(response.headers)
  const stream = response.body
  if (empty || stream === null) {
    stream?.cancel().catch(() => {})
    return { status, fields: settleLength(fields, empty, 0), body: NOTHING }
  }
  return readStart(stream).then((body) => ({
    status,
    fields: body instanceof Uint8Array ? settleLength(fields, false, body.length) : fields,
    body,
  }))
}

function fieldsOf({ headers, body }: ResponseParts): Iterable<BhttpField> {
  const given = plainFields(headers) ?? [...new Headers(headers)]
  if (typeof body !== 'string' || given.some(([name]) => name === 'content-type')) return given
  return [...given, TEXT_TYPE]
}

const PLAIN_NAME = /^[a-z0-9-]+$/i
const PLAIN_VALUE = /^[!-~](?:[\t -~]*[!-~])?$/

/** The fields of an object literal that needs no normalising but lower case; undefined for anything else. */
function plainFields(headers: HeadersInit | undefined): BhttpField[] | undefined {
  if (headers === undefined) return []
  if (Object.getPrototypeOf(headers) !== Object.prototype) return undefined
  const fields: BhttpField[] = []
  for (const name of Object.keys(headers)) {
    const value: unknown = (headers as Record<string, unknown>)[name]
    if (typeof value !== 'string' || !PLAIN_VALUE.test(value) || !PLAIN_NAME.test(name)) return undefined
    fields.push([name.toLowerCase(), value])
  }
  return fields
}

/** A `content-length` stays only where it is true, or where there is no content to measure (HEAD, 304). */
function settleLength(fields: BhttpField[], empty: boolean, length: number): BhttpField[] {
  if (empty) return fields
  const wrong = fields.some(([name, value]) => name === 'content-length' && value !== String(length))
  return wrong ? fields.filter(([name]) => name !== 'content-length') : fields
}

/**
 * A body made from a string or bytes comes in one read, and its end with it; one that streams takes its time.
 * After one turn of the event loop we know, and do not keep a slow stream's first bytes waiting.
 */
async function readStart(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | StreamedBody> {
  const reader = stream.getReader()
  const firstRead = reader.read()
  const firstResult = await settledSoon(firstRead)
  if (firstResult === undefined) return { first: undefined, next: firstRead, reader }
  if (firstResult.done) return NOTHING
  const first: unknown = firstResult.value
  if (!(first instanceof Uint8Array)) throw new TypeError('a body must be made of bytes')
  const next = reader.read()
  const secondResult = await settledSoon(next)
  return secondResult?.done ? first : { first, next, reader }
}

/**
 * @returns undefined if the promise does not settle within a turn of the event loop; it is then still
 * pending.
 */
function settledSoon<T>(promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 0, undefined)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
