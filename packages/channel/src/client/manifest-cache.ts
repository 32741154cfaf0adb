import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { compareManifests, type Manifest, type ManifestPosition } from '../manifest/manifest.ts'
import { verifyManifest } from '../manifest/verify-manifest.ts'
import { type ChannelStorage, readStored, writeStored } from './channel-storage.ts'

/** What is stored: the newest position ever accepted, and the manifest that stood there. */
interface StoredManifest extends ManifestPosition {
  readonly jws: string
}

export interface ManifestCacheOptions {
  readonly backend: CryptoBackend
  readonly storage: ChannelStorage
  readonly storageKey: string
  readonly application: string
  readonly rootThumbprints: readonly string[]
}

/** The newest manifest that was accepted, in memory and in storage. Goes forward only. */
export class ManifestCache {
  readonly #options: ManifestCacheOptions
  #newest: ManifestPosition | undefined
  #manifest: Manifest | undefined

  constructor(options: ManifestCacheOptions) {
    this.#options = options
  }

  get manifest(): Manifest | undefined {
    return this.#manifest
  }

  /**
   * Reads what an earlier run stored. Its position counts even if the manifest itself has expired since: that
   * is what refuses an older one after a restart.
   *
   * @param now - seconds since the epoch.
   * @throws KeyhavenError `STORE_UNAVAILABLE`.
   */
  async load(now: number): Promise<void> {
    const stored = await this.#read()
    if (stored === undefined) return
    this.#advance(stored)
    try {
      this.#manifest = await this.#verify(stored.jws, now)
    } catch {
      // Expired, or of a root that this version of the app no longer trusts: a new one is fetched.
    }
  }

  /**
   * Verifies a fetched manifest and keeps it.
   *
   * @param now - seconds since the epoch.
   * @throws as {@link verifyManifest}, and KeyhavenError `STORE_UNAVAILABLE`.
   */
  async accept(jws: string, now: number): Promise<Manifest> {
    const manifest = await this.#verify(jws, now)
    // Stored before it is used: after a restart nothing older than what was used is accepted.
    await this.#write({ epoch: manifest.epoch, sequence: manifest.sequence, jws })
    this.#advance(manifest)
    this.#manifest = manifest
    return manifest
  }

  #verify(jws: string, now: number): Promise<Manifest> {
    const { backend, application, rootThumbprints } = this.#options
    return verifyManifest(backend, jws, { application, rootThumbprints, now, newerThan: this.#newest })
  }

  #advance(position: ManifestPosition): void {
    if (this.#newest !== undefined && compareManifests(position, this.#newest) <= 0) return
    this.#newest = { epoch: position.epoch, sequence: position.sequence }
  }

  async #read(): Promise<StoredManifest | undefined> {
    const text = await readStored(this.#options.storage, this.#options.storageKey)
    return text === undefined ? undefined : parseStored(text)
  }

  /**
   * @throws KeyhavenError `MANIFEST_ROLLED_BACK` if another tab or process has stored a newer one meanwhile.
   */
  async #write(next: StoredManifest): Promise<void> {
    const stored = await this.#read()
    if (stored !== undefined && compareManifests(stored, next) > 0) {
      this.#advance(stored)
      throw new KeyhavenError('MANIFEST_ROLLED_BACK', 'the manifest is older than one that was seen before')
    }
    if (stored?.jws === next.jws) return
    await writeStored(this.#options.storage, this.#options.storageKey, JSON.stringify(next))
  }
}

function parseStored(text: string): StoredManifest | undefined {
  try {
    const { epoch, sequence, jws } = JSON.parse(text) as Record<string, unknown>
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(sequence) || typeof jws !== 'string')
      return undefined
    return { epoch: epoch as number, sequence: sequence as number, jws }
  } catch {
    return undefined
  }
}
