import { KeyhavenError } from '@keyhaven/crypto'

/** What every call of a store gets after `close()`. */
export const closedStore = (cause?: unknown): KeyhavenError =>
  new KeyhavenError('STORE_UNAVAILABLE', 'the store is closed: open the device again', { cause })
