import {
  type Awaitable,
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  type KemPublicKey,
  KeyhavenError,
} from '@keyhaven/crypto'
import {
  compareManifests,
  type Manifest,
  type ManifestKey,
  type ManifestPosition,
} from '../manifest/manifest.ts'
import type { RecipientKey } from '../wire/request-header.ts'
import type { ChannelClock } from './channel-clock.ts'
import { refusedUnsealed } from './channel-errors.ts'
import { fetchManifest } from './fetch-manifest.ts'
import type { ManifestCache } from './manifest-cache.ts'
import type { TrustSource } from './trust-source.ts'

/**
 * A refresh in the background is due somewhere in this part of a manifest's life, spread by chance over the
 * clients.
 */
const REFRESH_EARLIEST = 0.5
const REFRESH_LATEST = 0.8
/** Between two refreshes in the background: this long, and up to twice as long by chance. */
const REFRESH_PAUSE_MILLISECONDS = 30_000
const FETCH_TIMEOUT_MILLISECONDS = 15_000
const MILLISECONDS = 1_000

export interface ManifestTrustOptions {
  readonly backend: CryptoBackend
  readonly cache: ManifestCache
  readonly fetch: typeof fetch
  /** Of `GET …/manifest`. */
  readonly url: string
  readonly clock: ChannelClock
  readonly jitter: () => number
}

/**
 * Keys from signed manifests: fetched, verified, cached, refreshed before they expire and on any unsealed
 * refusal.
 */
export function createManifestTrust(options: ManifestTrustOptions): TrustSource {
  const { backend, cache, clock, jitter } = options
  const imported = new Map<string, Awaitable<KemPublicKey>>()
  let loading: Promise<void> | undefined
  let refreshing: Promise<void> | undefined
  /**
   * Which manifest is in use, and when this process first accepted it: the same one again does not start
   * anew.
   */
  let position: ManifestPosition | undefined
  let acceptedAt = clock.mark()
  /** When the last refresh ended, and how long after that the next is due. */
  let refreshedAt = clock.mark()
  let refreshAfter = 0
  let running: AbortController | undefined
  let lastError: unknown

  /**
   * @param pause - milliseconds that the next refresh waits at least: a cache on the way may serve an old
   *   manifest.
   */
  function adopt(manifest: Manifest, pause: number): void {
    if (position === undefined || compareManifests(manifest, position) !== 0) {
      position = { epoch: manifest.epoch, sequence: manifest.sequence }
      acceptedAt = clock.mark()
    }
    const share = REFRESH_EARLIEST + (REFRESH_LATEST - REFRESH_EARLIEST) * jitter()
    const due = manifest.issued + (manifest.expires - manifest.issued) * share
    refreshedAt = clock.mark()
    refreshAfter = Math.max(pause, due * MILLISECONDS - clock.latest())
  }

  /**
   * Whether the manifest may be used: by the later of the two clocks, and never longer in this process than
   * it lives in all, so that setting the device's clock back does not bring it to life again.
   */
  function isLive(manifest: Manifest): boolean {
    const lifetime = (manifest.expires - manifest.issued) * MILLISECONDS
    return clock.latest() < manifest.expires * MILLISECONDS && clock.elapsed(acceptedAt) < lifetime
  }

  async function load(): Promise<void> {
    await cache.load(seconds(clock))
    if (cache.manifest !== undefined) adopt(cache.manifest, 0)
  }

  /** A storage that failed is asked again by the next call. */
  function loaded(): Promise<void> {
    loading ??= load().catch((error) => {
      loading = undefined
      throw error
    })
    return loading
  }

  async function fetchAndAccept(): Promise<void> {
    const abort = new AbortController()
    running = abort
    const late = () => abort.abort(new DOMException('the manifest took too long', 'TimeoutError'))
    const timer = setTimeout(late, FETCH_TIMEOUT_MILLISECONDS)
    try {
      const jws = await fetchManifest(options.fetch, options.url, abort.signal)
      adopt(await cache.accept(jws, seconds(clock)), pauseAfterRefresh())
      lastError = undefined
    } finally {
      clearTimeout(timer)
    }
  }

  function pauseAfterRefresh(): number {
    return REFRESH_PAUSE_MILLISECONDS * (1 + jitter())
  }

  /** One at a time: whoever asks meanwhile waits for the same answer. */
  function refresh(): Promise<void> {
    refreshing ??= fetchAndAccept().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  function refreshInBackground(): void {
    refresh().catch((error) => {
      lastError = error
      refreshedAt = clock.mark()
      refreshAfter = pauseAfterRefresh()
    })
  }

  async function liveManifest(): Promise<Manifest> {
    await loaded()
    const cached = cache.manifest
    if (cached !== undefined && isLive(cached)) {
      if (clock.elapsed(refreshedAt) >= refreshAfter && refreshing === undefined) refreshInBackground()
      return cached
    }
    await refresh()
    const fetched = cache.manifest
    if (fetched === undefined || !isLive(fetched)) {
      throw new KeyhavenError('MANIFEST_EXPIRED', 'the manifest has expired: check the clock of the device')
    }
    return fetched
  }

  async function recipient(key: ManifestKey): Promise<RecipientKey> {
    const name = `${key.suite.kem} ${key.publicKey}`
    let publicKey = imported.get(name)
    if (publicKey === undefined) {
      imported.clear()
      publicKey = backend.kem.importPublicKey(key.suite.kem, fromBase64url(key.publicKey))
      imported.set(name, publicKey)
    }
    return { keyId: key.id, publicKey: await publicKey, aead: key.suite.aead }
  }

  async function current(): Promise<RecipientKey> {
    return recipient(preferredKey(await liveManifest(), seconds(clock)))
  }

  return {
    kind: 'manifest',
    current,
    async next(refused, retries) {
      if (retries > 0) return undefined
      const moved = await current()
      // Another call has met the refusal before and refreshed already.
      if (!equalConstantTime(moved.publicKey.bytes, refused.publicKey.bytes)) return moved
      // Without a new manifest the old one still counts: a forged refusal must not win by blocking the
      // refresh too.
      await refresh().catch((error) => {
        lastError = error
      })
      return current()
    },
    postpone: () => {},
    accepted: async () => {},
    refusal: (refusal) => refusedUnsealed(refusal, lastError),
    refresh: async () => {
      await loaded()
      await refresh()
    },
    status() {
      const manifest = cache.manifest
      if (manifest === undefined) return { keyId: undefined, manifest: undefined }
      const { epoch, sequence, expires } = manifest
      return { keyId: preferredKey(manifest, seconds(clock)).id, manifest: { epoch, sequence, expires } }
    },
    close: () => running?.abort(new TypeError('the channel is closed')),
  }
}

function seconds(clock: ChannelClock): number {
  return Math.floor(clock.latest() / MILLISECONDS)
}

/**
 * The first active key that has not ended, else a retiring one; else the first: the gateway decides, by its
 * own clock.
 */
function preferredKey(manifest: Manifest, now: number): ManifestKey {
  const usable = manifest.keys.filter((key) => key.end === undefined || key.end > now)
  return usable.find((key) => key.state === 'active') ?? usable[0] ?? manifest.keys[0]!
}
