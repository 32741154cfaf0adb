import { KeyhavenError } from '@keyhaven/crypto'
import { decodeEnvelope } from '../wire/envelope.ts'
import type { DeviceName } from './messenger.ts'
import { decodeRepairRequest, isRepairRequest } from './repair-envelope.ts'

/**
 * Whom a text that came by a transport names as its sender. NOT verified, and nobody is looked up: where the transport
 * knows who sent it, another name is a forgery, made to send this device looking for people.
 *
 * @returns undefined if it is neither a message nor a repair request.
 */
export function namedSender(text: string): DeviceName | undefined {
  try {
    const { username, device } = isRepairRequest(text)
      ? decodeRepairRequest(text).claimed.from
      : decodeEnvelope(text).from
    return { username, device }
  } catch (error) {
    if (error instanceof KeyhavenError) return undefined
    throw error
  }
}
