import { type CryptoBackend, toBase64url } from '@keyhaven/crypto'
import { DEVICE_ID_BYTES } from './limits.ts'

/** A random id for a device. None begins with a dash: a command line would take it for an option. */
export function newDeviceId(backend: CryptoBackend): string {
  for (;;) {
    const id = toBase64url(backend.randomBytes(DEVICE_ID_BYTES))
    if (!id.startsWith('-')) return id
  }
}
