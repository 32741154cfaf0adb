import { createHash } from 'node:crypto'
import type { ReplayStore } from '@keyhaven/channel/gateway'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import {
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  isDeviceRequest,
  verifyDeviceRequest,
} from '@keyhaven/directory'
import type { Caller } from '@keyhaven/directory/service'
import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../platform/http/call-origin.ts'
import type { Directories } from './directories.ts'

const MS_PER_SECOND = 1_000
/** Nothing else that is hashed for the replay store begins so. */
const NONCE_CONTEXT = 'keyhaven device nonce v1\n'

export interface UserEnv extends AppEnv {
  Variables: {
    /** Whose key opened the request. */
    applicationId: string
    /** The device that signed it; undefined where none has to. */
    caller: Caller | undefined
  }
}

export interface DeviceGuardOptions {
  readonly directories: Directories
  readonly replay: ReplayStore
  readonly clock: () => number
  /** Calls that a device need not sign, because a token or the recovery key does. */
  readonly unsigned: (method: string, path: string) => boolean
  /** Calls that a device may make whose record has expired: its renewal. */
  readonly expired: (method: string, path: string) => boolean
}

/**
 * Lets through what a device of the application signed for this seal (RFC 9421), and knows whose it is.
 *
 * @throws KeyhavenError `CHANNEL_REQUIRED` outside the seal, `UNAUTHENTICATED`, `DEVICE_REVOKED`, `KEY_EXPIRED`,
 *   `KEY_NOT_YET_VALID`.
 */
export function deviceGuard(options: DeviceGuardOptions): MiddlewareHandler<UserEnv> {
  const { directories, replay, clock } = options
  return async (c, next) => {
    const { origin } = c.env
    if (!origin.sealed) throw new KeyhavenError('CHANNEL_REQUIRED', 'devices call inside the seal only')
    const { applicationId } = origin
    const { method, headers, url } = c.req.raw
    const { host, pathname, search } = new URL(url)
    c.set('applicationId', applicationId)
    if (!isDeviceRequest(headers)) {
      if (!options.unsigned(method, pathname)) {
        throw new KeyhavenError('UNAUTHENTICATED', 'the request is not signed by a known device')
      }
      c.set('caller', undefined)
      return next()
    }
    const found = await verifyDeviceRequest({
      backend,
      method,
      authority: host,
      path: pathname,
      query: search,
      headers,
      body: new Uint8Array(await c.req.arrayBuffer()),
      application: applicationId,
      channelExport: await origin.export(DEVICE_REQUEST_EXPORT_LABEL, DEVICE_REQUEST_EXPORT_BYTES),
      now: Math.floor(clock() / MS_PER_SECOND),
      findDevice: (device) => findDevice(directories, applicationId, device),
      seenNonce: async ({ device, nonce, expiresAt }) => {
        const hash = createHash('sha256').update(`${NONCE_CONTEXT}${applicationId}\n${device}\n${nonce}`)
        const entry = {
          applicationId,
          encapsulatedKey: new Uint8Array(hash.digest()),
          requestId: undefined,
          expiresAt: expiresAt * MS_PER_SECOND,
        }
        return !(await replay.insert(entry))
      },
    })
    if (found.status === 'not-yet-valid')
      throw new KeyhavenError('KEY_NOT_YET_VALID', 'this device is not valid yet')
    if (found.status === 'expired' && !options.expired(method, pathname)) {
      throw new KeyhavenError('KEY_EXPIRED', 'the record of this device has expired: renew it')
    }
    c.set('caller', { username: found.username, device: found.device })
    return next()
  }
}

async function findDevice({ devices }: Pick<Directories, 'devices'>, applicationId: string, device: string) {
  try {
    const found = await devices.find(applicationId, device)
    return found && { ...found, revoked: found.status === 'revoked' }
  } catch (error) {
    // No directory yet, so no device.
    if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
