import type { SealedContext } from '@keyhaven/channel/gateway'
import type { Awaitable } from '@keyhaven/crypto'
import { networkOf } from './network-of.ts'

/**
 * Where a call came from. Made by the listener or the gateway in this process and handed on as a value:
 * nothing in a request (a header, a path) can set it.
 */
export type CallOrigin =
  | {
      readonly sealed: false
      /** Address of the peer, for rate limits; never trusted for more. */
      readonly remoteAddress: string
      readonly secure: boolean
    }
  | {
      readonly sealed: true
      /** The application whose key opened the request. */
      readonly applicationId: string
      /** The OHTTP key id that opened it. */
      readonly keyId: number
      /** A value that only the two ends of this exchange know: what a device signs names the seal by it. */
      readonly export: (label: Uint8Array, length: number) => Awaitable<Uint8Array>
    }

export function sealedOrigin(context: SealedContext): CallOrigin {
  const { applicationId, keyId } = context
  return { sealed: true, applicationId, keyId, export: (label, length) => context.export(label, length) }
}

/**
 * What rate limits count by: an IPv4 address, or the /64 network of an IPv6 address, since whoever has one
 * has all of it. Sealed callers share one count: nothing before the opening names them.
 */
export function callerOf(origin: CallOrigin): string {
  return origin.sealed ? `sealed:${origin.applicationId}` : networkOf(origin.remoteAddress)
}

/** What a listener or the gateway gives the router beside the request. */
export interface AppBindings {
  readonly origin: CallOrigin
}

export interface AppEnv {
  Bindings: AppBindings
}
