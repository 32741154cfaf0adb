import { KeyhavenError } from '@keyhaven/crypto'

/** Refused because the store has no room: the same call works once there is some. */
export class StoreFullError extends KeyhavenError {
  constructor(message: string, cause: unknown) {
    super('STORE_UNAVAILABLE', message, { cause })
  }
}
