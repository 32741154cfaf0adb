/** One field line: lower-case name and value, a character per byte (Latin-1). */
export type BhttpField = readonly [name: string, value: string]

/** Request control data and header section (RFC 9292 §3.4, §3.6). */
export interface BhttpRequestHead {
  readonly method: string
  /** `http` or `https`. */
  readonly scheme: string
  /** Host and port; empty when a `host` field says it. */
  readonly authority: string
  /** Path and query, starts with `/`. */
  readonly path: string
  readonly headers: readonly BhttpField[]
}

/** Final response control data and header section; informational responses are read and dropped. */
export interface BhttpResponseHead {
  /** 200 to 599. */
  readonly status: number
  readonly headers: readonly BhttpField[]
}

export interface BhttpRequest extends BhttpRequestHead {
  readonly body: Uint8Array
  readonly trailers?: readonly BhttpField[]
}

export interface BhttpResponse extends BhttpResponseHead {
  readonly body: Uint8Array
  readonly trailers?: readonly BhttpField[]
}

/** Framing indicators (RFC 9292 §3.3). */
export const KNOWN_LENGTH_REQUEST = 0
export const KNOWN_LENGTH_RESPONSE = 1
export const INDETERMINATE_LENGTH_REQUEST = 2
export const INDETERMINATE_LENGTH_RESPONSE = 3

export const FINAL_STATUS_MIN = 200
export const STATUS_MAX = 599
export const INFORMATIONAL_STATUS_MIN = 100
