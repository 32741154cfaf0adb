import type { Awaitable } from '@keyhaven/crypto'
import type { BhttpRequestHead } from '../wire/binary-http.ts'
import type { RequestSealer } from '../wire/chunked.ts'
import { OWN_FIELD_PREFIX } from '../wire/client-header.ts'
import type { RequestBody } from './request-body.ts'

/** Of the body of a signed request, which is kept in memory. */
export const SIGNED_BODY_MAX_BYTES = 8 * 1024 * 1024

const NO_BODY = new Uint8Array(0)

/** What a signature can cover of one attempt. */
export interface RequestToSign {
  readonly method: string
  /** Host, and the port unless it is the scheme's own. */
  readonly authority: string
  /** Without the query. */
  readonly path: string
  /** Empty, or from the `?` on. */
  readonly query: string
  /** Empty if there is none. */
  readonly body: Uint8Array
  /**
   * A value that only the two ends of this attempt know; the handler gets the same from
   * `SealedContext.export`.
   */
  readonly export: (label: Uint8Array, length: number) => Awaitable<Uint8Array>
}

/** @returns fields to send with this attempt; they replace those of the same name. */
export type SignRequest = (
  request: RequestToSign,
) => Awaitable<ReadonlyArray<readonly [name: string, value: string]>>

/** @throws TypeError on a field that cannot be sent; what `sign` throws as it is. */
export async function signedHead(
  head: BhttpRequestHead,
  body: RequestBody | undefined,
  sealer: RequestSealer,
  sign: SignRequest,
): Promise<BhttpRequestHead> {
  const queryAt = head.path.indexOf('?')
  const pathEnd = queryAt < 0 ? head.path.length : queryAt
  const made = await sign({
    method: head.method,
    authority: head.authority,
    path: head.path.slice(0, pathEnd),
    query: head.path.slice(pathEnd),
    // A copy: what is signed and what is sent stay the same bytes.
    body: body?.bytes?.slice() ?? NO_BODY,
    export: sealer.export,
  })
  // The platform checks and normalises names and values.
  const fields = new Headers(made.map(([name, value]): [string, string] => [name, value]))
  for (const name of fields.keys()) {
    if (name.startsWith(OWN_FIELD_PREFIX))
      throw new TypeError(`headers ${OWN_FIELD_PREFIX}* belong to the channel`)
  }
  return { ...head, headers: [...fields, ...head.headers.filter(([name]) => !fields.has(name))] }
}
