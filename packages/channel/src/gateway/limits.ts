import { BHTTP_LIMITS, type BhttpLimits } from '../wire/bhttp-limits.ts'
import { CHUNK_MAX_BYTES } from '../wire/chunk-framing.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** What a gateway takes in. Over a limit the answer is 413, before memory is spent. */
export interface GatewayLimits extends BhttpLimits {
  /** Bytes of a `message/ohttp-req`, which must be held in memory as a whole. */
  readonly maxWholeRequestBytes: number
  /** Bytes of content in the answer to one, likewise. */
  readonly maxWholeResponseBytes: number
  /** Bytes of a `message/ohttp-chunked-req`, which streams. */
  readonly maxChunkedRequestBytes: number
  /** Bytes of plaintext in one chunk. */
  readonly maxChunkBytes: number
}

export const GATEWAY_LIMITS: GatewayLimits = {
  ...BHTTP_LIMITS,
  maxWholeRequestBytes: MEBIBYTE,
  maxWholeResponseBytes: 16 * MEBIBYTE,
  // Content at its limit, 12 % of padding, and the tags of chunks of 16 KiB.
  maxChunkedRequestBytes: 1280 * MEBIBYTE,
  maxChunkBytes: CHUNK_MAX_BYTES,
}

/** How old a request may be. */
export const REPLAY_WINDOW_SECONDS = 120
/** How far a request's date may lie ahead. */
export const CLOCK_SKEW_SECONDS = 30
/** By how much the clocks of the processes that share a replay store may differ. */
export const PROCESS_CLOCKS_SECONDS = 5
/** A refused date further ahead is not remembered (which would take memory for as long). */
export const BURNED_DATE_MAX_SECONDS = 86_400
/** With a store in memory: how long a request dated in the future is held at most. */
export const FUTURE_HOLD_MAX_SECONDS = 2
/** How long key configurations may be cached. */
export const KEY_CONFIGS_MAX_AGE_SECONDS = 60
