import { KeyhavenError } from '@keyhaven/crypto'
import type { Messenger, MessengerOptions } from './messenger.ts'

/** Messages of one device. Several messengers may share a store, in tabs or processes. */
export function createMessenger(_options: MessengerOptions): Messenger {
  throw new KeyhavenError('UNSUPPORTED', 'not there yet')
}
