import { type CryptoBackend, backend as runtimeBackend, toBase64url } from '@keyhaven/crypto'
import { type ClientInfo, encodeClientInfo } from '../wire/client-header.ts'
import { ChannelClock } from './channel-clock.ts'
import { createChannelFetch, createSignedFetch } from './channel-fetch.ts'
import type { Channel, ChannelOptions, ManifestTrust, PinnedTrust } from './channel-options.ts'
import {
  type ChannelStorage,
  createMemoryStorage,
  readStored,
  type StorageKeys,
  storageKeys,
  writeStored,
} from './channel-storage.ts'
import { checkOptions } from './check-options.ts'
import { ManifestCache } from './manifest-cache.ts'
import { createManifestTrust } from './manifest-trust.ts'
import { createPinnedTrust } from './pinned-trust.ts'
import { SDK_VERSION } from './sdk-version.ts'
import type { TrustSource } from './trust-source.ts'

const NO_APP_VERSION = 'unknown'
const INSTALLATION_ID_BYTES = 16
/** Browsers all begin their name so, in windows and in workers; Node, Deno, Bun and workerd do not. */
const BROWSER_USER_AGENT = 'Mozilla/'

/**
 * Opens a channel to an application's gateway. Nothing is sent before the first call.
 *
 * ```ts
 * const channel = createChannel({ url, applicationId: 'demo', trust: { rootThumbprints } })
 * const response = await channel.fetch('/v1/echo', { method: 'POST', body: 'hello' })
 * ```
 *
 * @throws TypeError on an option that cannot be right, or that there is not; it names the option.
 */
export function createChannel(options: ChannelOptions): Channel {
  const base = checkOptions(options)
  const gatewayUrl = `${base.href.replace(/\/+$/, '')}/gateway/${options.applicationId}`
  const backend = options.backend ?? runtimeBackend
  const storage = options.storage ?? createMemoryStorage()
  const keys = storageKeys(base.href, options.applicationId)
  const clock = new ChannelClock({
    clock: options.clock ?? Date.now,
    monotonic: options.monotonic ?? (() => performance.now()),
  })
  // Called as a function of the global object: browsers refuse it otherwise.
  const send: typeof fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const trust = createTrust(options, { backend, storage, keys, clock, fetch: send, gatewayUrl })
  const streamUploads = options.streamUploads ?? !isBrowser()
  const transport = { backend, fetch: send, url: gatewayUrl, streamUploads }
  const appVersion = options.appVersion ?? NO_APP_VERSION
  const client = clientInfo(appVersion, trust.kind, backend, storage, keys)
  const context = { backend, transport, trust, clock, client }
  const channelFetch = createChannelFetch(context, base)
  const signedFetch = createSignedFetch(context, base)
  let closed = false
  return {
    async fetch(input, init) {
      if (closed) throw new TypeError('the channel is closed')
      return channelFetch(input, init)
    },
    async signedFetch(input, init, sign) {
      if (closed) throw new TypeError('the channel is closed')
      return signedFetch(input, init, sign)
    },
    refresh: () => trust.refresh(),
    status: () => ({ trust: trust.kind, ...trust.status(), clockOffset: clock.offset }),
    close() {
      closed = true
      trust.close()
    },
  }
}

interface TrustContext {
  readonly backend: CryptoBackend
  readonly storage: ChannelStorage
  readonly keys: StorageKeys
  readonly clock: ChannelClock
  readonly fetch: typeof fetch
  readonly gatewayUrl: string
}

function createTrust({ trust, applicationId, jitter }: ChannelOptions, context: TrustContext): TrustSource {
  const { backend, storage, keys, clock, gatewayUrl } = context
  // Checked: it is one of the two.
  const { pinnedKeys, rootThumbprints = [] } = trust as Partial<ManifestTrust & PinnedTrust>
  if (pinnedKeys !== undefined) {
    return createPinnedTrust({ backend, storage, storageKey: keys.pinned, pinnedKeys })
  }
  const cache = new ManifestCache({
    backend,
    storage,
    storageKey: keys.manifest,
    application: applicationId,
    rootThumbprints,
  })
  const url = `${gatewayUrl}/manifest`
  return createManifestTrust({
    backend,
    cache,
    fetch: context.fetch,
    url,
    clock,
    jitter: jitter ?? Math.random,
  })
}

/** The value of the client field; the installation id in it is random, made once, and kept in storage. */
function clientInfo(
  appVersion: string,
  trust: ClientInfo['trust'],
  backend: CryptoBackend,
  storage: ChannelStorage,
  keys: StorageKeys,
): () => Promise<string> {
  async function load(): Promise<string> {
    let installationId = await readStored(storage, keys.installation)
    if (installationId === undefined) {
      installationId = toBase64url(backend.randomBytes(INSTALLATION_ID_BYTES))
      await writeStored(storage, keys.installation, installationId)
    }
    return encodeClientInfo({ installationId, appVersion, sdkVersion: SDK_VERSION, trust })
  }
  let loading: Promise<string> | undefined
  return () => {
    loading ??= load().catch((error) => {
      loading = undefined
      throw error
    })
    return loading
  }
}

function isBrowser(): boolean {
  const agent = globalThis.navigator?.userAgent
  return agent === undefined || agent.startsWith(BROWSER_USER_AGENT)
}
