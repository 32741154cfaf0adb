import { KeyhavenError } from '@keyhaven/crypto'
import type { BhttpField, BhttpRequestHead } from './bhttp-message.ts'
import { OWN_FIELD_PREFIX } from './client-header.ts'

/** Methods that ask a connection, not a resource, for something (RFC 9110 §9.3.6, §9.3.8). */
const CONNECTION_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
/** Methods whose content has no meaning (RFC 9110 §9.3.1, §9.3.2): a second request can hide in it. */
const METHODS_WITHOUT_CONTENT: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Fields that steer framing, routing, authentication or handling: not in trailers (RFC 9110 §6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'keep-alive',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'retry-after',
  'set-cookie',
  'te',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
])

const CONTENT_LENGTH = /^\d{1,15}$/
const AUTHORITY = /^(?:[a-z0-9](?:[a-z0-9._~-]*[a-z0-9_~])?\.?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i
/** A segment that a URL parser, or a server that decodes first, would take as `.` or `..`. */
const DOT_SEGMENT = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\]|%2f|%5c)/i
/** URL parsers re-write these in a path (not in a query). */
const REWRITTEN_IN_PATH = /[\\^`{}]/

function refuse(what: string): never {
  throw new KeyhavenError('WIRE_MALFORMED', what)
}

/** Whether content is meaningless in a request with this method, and refused. */
export function methodForbidsContent(method: string): boolean {
  return METHODS_WITHOUT_CONTENT.has(method)
}

/** The path of a request target, without its query. */
export function targetPath(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/**
 * What one program could read in two ways is refused here, so that gateway, router and upstream always see
 * one and the same request.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`.
 */
export function checkRequestControl(method: string, scheme: string, authority: string, path: string): void {
  if (method === '') refuse('empty method')
  if (CONNECTION_METHODS.has(method)) refuse('method is about a connection')
  if (scheme !== 'https' && scheme !== 'http') refuse('scheme is neither http nor https')
  if (authority !== '' && !AUTHORITY.test(authority)) refuse('authority')
  if (path.charCodeAt(0) !== 0x2f) refuse('path does not start with a slash')
  const plainPath = targetPath(path)
  if (DOT_SEGMENT.test(plainPath)) refuse('path has dot segments')
  if (REWRITTEN_IN_PATH.test(plainPath)) refuse('character not allowed in path')
}

/** `host` must say what the authority says, or stand in for an empty one (RFC 9113 §8.3.1). */
export function checkHost(head: BhttpRequestHead): void {
  let host: string | undefined
  for (const [name, value] of head.headers) {
    if (name !== 'host') continue
    if (host !== undefined) refuse('more than one host field')
    if (!AUTHORITY.test(value)) refuse('host field')
    host = value
  }
  if (host === undefined) {
    if (head.authority === '') refuse('neither authority nor host field')
  } else if (head.authority !== '' && head.authority.toLowerCase() !== host.toLowerCase()) {
    refuse('host field contradicts authority')
  }
}

/**
 * @returns the value of `content-length`, if there is one.
 * @throws KeyhavenError `WIRE_MALFORMED` on a second one, one that is no number, or `transfer-encoding`.
 */
export function checkFraming(headers: readonly BhttpField[]): number | undefined {
  let length: number | undefined
  for (const [name, value] of headers) {
    if (name === 'content-length') {
      if (length !== undefined) refuse('more than one content-length')
      if (!CONTENT_LENGTH.test(value)) refuse('content-length')
      length = Number(value)
    } else if (name === 'transfer-encoding') {
      refuse('transfer-encoding in a binary message')
    }
  }
  return length
}

/** @throws KeyhavenError `WIRE_MALFORMED` on a field that must not come after the content. */
export function checkTrailers(trailers: readonly BhttpField[]): void {
  for (const [name] of trailers) {
    if (NOT_IN_TRAILERS.has(name) || name.startsWith(OWN_FIELD_PREFIX))
      refuse('field not allowed in trailers')
  }
}
