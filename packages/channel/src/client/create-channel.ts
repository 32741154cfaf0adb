import { type CryptoBackend, backend as runtimeBackend, toBase64url } from '@keyhaven/crypto'
import { ROOT_THUMBPRINTS_MAX } from '../manifest/delegation.ts'
import { type ClientInfo, encodeClientInfo } from '../wire/client-header.ts'
import { ChannelClock } from './channel-clock.ts'
import { createChannelFetch, createSignedFetch } from './channel-fetch.ts'
import type { Channel, ChannelOptions, ChannelTrust } from './channel-options.ts'
import {
  type ChannelStorage,
  createMemoryStorage,
  readStored,
  type StorageKeys,
  storageKeys,
  writeStored,
} from './channel-storage.ts'
import { ManifestCache } from './manifest-cache.ts'
import { createManifestTrust } from './manifest-trust.ts'
import { PINNED_KEYS_MAX } from './pinned-key.ts'
import { createPinnedTrust } from './pinned-trust.ts'
import { SDK_VERSION } from './sdk-version.ts'
import type { TrustSource } from './trust-source.ts'

const APPLICATION_ID = /^[a-z0-9][a-z0-9-]{0,62}$/
const APP_VERSION = /^[A-Za-z0-9._+-]{1,64}$/
/** SHA-256 in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/
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
 * @throws TypeError on an option that cannot be right.
 */
export function createChannel(options: ChannelOptions): Channel {
  const base = checkedUrl(options.url)
  const gatewayUrl = `${base.href.replace(/\/+$/, '')}/gateway/${checkedApplicationId(options.applicationId)}`
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
  const client = clientInfo(checkedAppVersion(options.appVersion), trust.kind, backend, storage, keys)
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
  checkTrust(trust)
  if ('pinnedKeys' in trust) {
    checkCount('pinnedKeys', trust.pinnedKeys, PINNED_KEYS_MAX)
    return createPinnedTrust({ backend, storage, storageKey: keys.pinned, pinnedKeys: trust.pinnedKeys })
  }
  const { rootThumbprints } = trust
  checkCount('rootThumbprints', rootThumbprints, ROOT_THUMBPRINTS_MAX)
  for (const thumbprint of rootThumbprints) {
    if (!THUMBPRINT.test(thumbprint)) throw new TypeError('a root thumbprint has 43 characters of base64url')
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

/** Both ways at once would leave open which one counts. */
function checkTrust(trust: ChannelTrust | undefined): void {
  const ways = ['rootThumbprints', 'pinnedKeys'].filter((way) => way in (trust ?? {}))
  if (ways.length !== 1) throw new TypeError('trust must hold either rootThumbprints or pinnedKeys')
}

function checkCount(name: string, list: readonly unknown[], max: number): void {
  if (!Array.isArray(list) || list.length === 0 || list.length > max)
    throw new TypeError(`${name} must hold 1 to ${max}`)
}

function checkedUrl(url: string | URL): URL {
  const checked = new URL(url)
  if (checked.protocol !== 'https:' && checked.protocol !== 'http:')
    throw new TypeError('url must be http or https')
  if (checked.username !== '' || checked.password !== '') throw new TypeError('url must not have credentials')
  if (checked.search !== '' || checked.hash !== '')
    throw new TypeError('url must not have a query or a fragment')
  return checked
}

function checkedApplicationId(applicationId: string): string {
  if (!APPLICATION_ID.test(applicationId))
    throw new TypeError(`applicationId must match ${APPLICATION_ID.source}`)
  return applicationId
}

function checkedAppVersion(appVersion = NO_APP_VERSION): string {
  if (!APP_VERSION.test(appVersion)) throw new TypeError(`appVersion must match ${APP_VERSION.source}`)
  return appVersion
}

function isBrowser(): boolean {
  const agent = globalThis.navigator?.userAgent
  return agent === undefined || agent.startsWith(BROWSER_USER_AGENT)
}
