import { type Channel, type ChannelOptions, type ChannelStatus, createChannel } from '@keyhaven/channel'

/** Where the server is, which application this is, and how it is trusted; see `ChannelOptions` for the rest. */
export type ConnectOptions = ChannelOptions

/** A connection to the key server and, sealed, to the backend behind it. */
export interface Keyhaven {
  /**
   * The platform's `fetch`, sealed to the server's key. Relative URLs start from `url`. Rejects as `fetch` does
   * (TypeError, AbortError), and with a `KeyhavenError` when the channel itself fails: branch on its `code`.
   */
  readonly fetch: Channel['fetch']
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
  return {
    fetch: channel.fetch,
    refresh: () => channel.refresh(),
    status: () => channel.status(),
    close: () => channel.close(),
  }
}
