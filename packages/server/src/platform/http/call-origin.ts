import { networkOf } from './network-of.ts'

/**
 * Where a call came from. Made by the listener or the gateway in this process and handed on as a value: nothing
 * in a request (a header, a path) can set it.
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
    }

/**
 * What rate limits count by: an IPv4 address, or the /64 network of an IPv6 address, since whoever has one has all of
 * it. Sealed callers share one count: nothing before the opening names them.
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
