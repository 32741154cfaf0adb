import { type Channel, type ChannelOptions, type ChannelStatus, createChannel } from '@keyhaven/channel'
import { backend as runtimeBackend } from '@keyhaven/crypto'
import type { AppContext, LogTrustOptions } from './device/app-context.ts'
import type { EnrollOptions, NewDeviceSetup } from './device/enroll.ts'
import type { Me } from './device/me.ts'
import type { DeviceRequest } from './device/request-device.ts'
import type { ResumeOptions } from './device/resume.ts'

/**
 * Where the server is, which application this is, and how it is trusted; see `ChannelOptions` for the rest.
 */
export type ConnectOptions = ChannelOptions & {
  /** With `log`, the verifier key of the directory's log, for `enroll` and what follows. */
  readonly trust: LogTrustOptions
}

/** A connection to the key server and, sealed, to the backend behind it. */
export interface Keyhaven {
  /**
   * The platform's `fetch`, sealed to the server's key. Relative URLs start from `url`. Rejects as `fetch`
   * does (TypeError, AbortError), and with a `KeyhavenError` when the channel itself fails: branch on its
   * `code`.
   */
  readonly fetch: Channel['fetch']
  /** Records a user's first device, with a sign-up token of the operator or an OIDC id token. */
  enroll(options: EnrollOptions): Promise<Me>
  /** Opens the device that a store belongs to; undefined if there is none in it. */
  resume(options: ResumeOptions): Promise<Me | undefined>
  /** Makes another device of a user, to be approved on one that there is. */
  requestDevice(options: NewDeviceSetup): Promise<DeviceRequest>
  /** Fetches the signed manifest now, instead of in the background before it expires. */
  refresh(): Promise<void>
  status(): ChannelStatus
  close(): void
}

/**
 * Connects an app to its server. Nothing is sent before the first call.
 *
 * ```ts
 * import { connect } from '@keyhaven/sdk'
 *
 * const keyhaven = connect({ url, applicationId: 'demo', trust: { rootThumbprints } })
 * const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
 * ```
 *
 * @throws TypeError on an option that cannot be right.
 */
export function connect(options: ConnectOptions): Keyhaven {
  const channel = createChannel(options)
  const { applicationId: application, trust, backend = runtimeBackend, clock = Date.now } = options
  const server = String(options.url)
  const app: AppContext = { channel, server, application, trust, backend, clock }
  // Loaded when first used: an app that only calls its backend does not pay for messages.
  const device = () => import('./device/index.ts')
  return {
    fetch: channel.fetch,
    enroll: async (setup) => (await device()).enroll(app, setup),
    resume: async (setup) => (await device()).resume(app, setup),
    requestDevice: async (setup) => (await device()).requestDevice(app, setup),
    refresh: () => channel.refresh(),
    status: () => channel.status(),
    close: () => channel.close(),
  }
}
