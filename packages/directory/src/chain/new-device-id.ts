import { type CryptoBackend, randomId } from '@keyhaven/crypto'
import { DEVICE_ID_BYTES } from './limits.ts'

/** A random id for a device. */
export function newDeviceId(backend: CryptoBackend): string {
  return randomId(backend, DEVICE_ID_BYTES)
}
