import type { ManifestKey } from '@keyhaven/channel'
import { MANIFEST_MIN_LIFETIME_SECONDS, signManifest } from '@keyhaven/channel'
import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { State, StateTransaction } from '../platform/state/state.ts'
import type { Publication } from './publication-store.ts'
import { readManifestKeys, readPublication } from './publication-store.ts'
import { readLiveRoots } from './root-keys.ts'
import { ONLINE_DELEGATION_SECONDS, signOnlineDelegation } from './trust.ts'

const MS_PER_SECOND = 1_000
/**
 * An unchanged manifest is signed anew after this part of its life, so that clients always get a fresh one.
 */
const REFRESH_AFTER_PART = 1 / 4
/** Manifests in memory; beyond it the one asked for longest ago is read again when needed. */
const MAX_CACHED = 10_000

export interface ManifestPublisher {
  /**
   * The manifest to hand out now, as compact JWS. Publishes a new one if keys changed or the last is no
   * longer fresh.
   * @throws KeyhavenError `NOT_FOUND`, `MANIFEST_EXPIRED` (an offline root has to sign), `STORE_UNAVAILABLE`.
   */
  current(applicationId: string): Promise<string>
  close(): void
}

interface Published {
  readonly manifest: string
  /** Milliseconds. */
  readonly freshUntil: number
}

/** Signs and stores manifests. All processes hand out the same one, because it lies in the database. */
export function createManifestPublisher(
  state: State,
  lifetimeSeconds: number,
  clock: () => number,
): ManifestPublisher {
  const cache = new Map<string, Published>()
  const running = new Map<string, Promise<Published>>()
  const freshMs = lifetimeSeconds * MS_PER_SECOND * REFRESH_AFTER_PART
  const stopListening = state.changes.onChange((applicationId) => {
    if (applicationId === undefined) cache.clear()
    else cache.delete(applicationId)
  })

  async function load(applicationId: string): Promise<Published> {
    const publication = await readPublication(state.db, applicationId)
    const { epoch } = await state.manifests.get(applicationId)
    const keys = await readManifestKeys(state.db, applicationId)
    const content = manifestContent(epoch, keys)
    if (isFresh(publication, content, epoch)) return published(publication.manifest, publication.issuedAt)
    // Anybody may ask, again and again: what cannot be published takes no lock and writes nothing.
    requirePublishable(publication, epoch, keys, clock())
    await requireSigners(applicationId, publication, epoch)
    return state.transaction((transaction) => publish(applicationId, transaction))
  }

  async function publish(applicationId: string, transaction: StateTransaction): Promise<Published> {
    // Locks the application's row, so two processes do not publish at once.
    const position = await state.manifests.next(applicationId, transaction)
    const publication = await readPublication(transaction.db, applicationId)
    const keys = await readManifestKeys(transaction.db, applicationId)
    const content = manifestContent(position.epoch, keys)
    if (isFresh(publication, content, position.epoch)) {
      return published(publication.manifest, publication.issuedAt)
    }
    requirePublishable(publication, position.epoch, keys, transaction.now)
    const { delegation, expiresAt } = await usableDelegation(
      applicationId,
      publication,
      position.epoch,
      transaction,
    )
    const manifestKey = await state.keys.signingKey(applicationId, 'manifest-signing', transaction)
    if (!manifestKey) throw noManifestKey()
    const issued = Math.floor(transaction.now / MS_PER_SECOND)
    const manifest = await signManifest(backend, manifestKey.signingKey, delegation, {
      application: applicationId,
      epoch: position.epoch,
      sequence: position.sequence,
      issued,
      expires: Math.min(issued + lifetimeSeconds, Math.floor(expiresAt / MS_PER_SECOND)),
      keys,
    })
    await transaction.db
      .updateTable('manifest_publications')
      .set({
        delegation,
        delegation_epoch: position.epoch,
        delegation_expires_at: expiresAt,
        manifest,
        manifest_content: content,
        manifest_issued_at: issued * MS_PER_SECOND,
      })
      .where('application_id', '=', applicationId)
      .execute()
    return published(manifest, issued * MS_PER_SECOND)
  }

  async function usableDelegation(
    applicationId: string,
    publication: Publication,
    epoch: number,
    transaction: StateTransaction,
  ): Promise<{ delegation: string; expiresAt: number }> {
    const { delegation, delegationExpiresAt: expiresAt } = publication
    if (publication.trustMode === 'offline') return { delegation, expiresAt }
    if (!needsNewDelegation(publication, epoch, transaction.now)) return { delegation, expiresAt }
    return signOnlineDelegation(state, transaction, applicationId, epoch)
  }

  async function requireSigners(
    applicationId: string,
    publication: Publication,
    epoch: number,
  ): Promise<void> {
    const keys = await state.keys.list(applicationId, 'manifest-signing')
    if (!keys.some((key) => key.state === 'active')) throw noManifestKey()
    if (publication.trustMode === 'offline' || !needsNewDelegation(publication, epoch, clock())) return
    if ((await readLiveRoots(state, applicationId)).length > 0) return
    throw new KeyhavenError('MANIFEST_INVALID', 'the application has no root key')
  }

  function isFresh(publication: Publication, content: string, epoch: number): boolean {
    return (
      publication.manifest !== '' &&
      publication.content === content &&
      publication.delegationEpoch === epoch &&
      clock() < publication.issuedAt + freshMs &&
      clock() < publication.delegationExpiresAt
    )
  }

  function published(manifest: string, issuedAt: number): Published {
    return { manifest, freshUntil: issuedAt + freshMs }
  }

  return {
    async current(applicationId) {
      await state.changes.confirmFresh()
      const known = cache.get(applicationId)
      if (known && clock() < known.freshUntil) return known.manifest
      let loading = running.get(applicationId)
      if (!loading) {
        const { version } = state.changes
        loading = load(applicationId)
          .then((made) => {
            // Keys that changed meanwhile would make this one stale: then it is not kept.
            if (state.changes.version === version) remember(cache, applicationId, made)
            return made
          })
          .finally(() => running.delete(applicationId))
        running.set(applicationId, loading)
      }
      return (await loading).manifest
    },
    close: stopListening,
  }
}

/**
 * @throws KeyhavenError `MANIFEST_INVALID` (no key to name), `MANIFEST_EXPIRED` (an offline root has to
 *   sign).
 */
function requirePublishable(
  publication: Publication,
  epoch: number,
  keys: readonly ManifestKey[],
  now: number,
): void {
  if (keys.length === 0) {
    throw new KeyhavenError('MANIFEST_INVALID', 'the application has no active key: add one')
  }
  const needed = MANIFEST_MIN_LIFETIME_SECONDS * MS_PER_SECOND
  if (publication.trustMode === 'offline' && delegationMsLeft(publication, epoch, now) < needed) {
    throw new KeyhavenError(
      'MANIFEST_EXPIRED',
      `the offline root key has to sign a delegation for epoch ${epoch} (keyhaven trust delegate)`,
    )
  }
}

/** How long the delegation is still good for this epoch; 0 if it is for another one, or there is none. */
function delegationMsLeft(publication: Publication, epoch: number, now: number): number {
  const { delegation, delegationEpoch, delegationExpiresAt } = publication
  return delegation !== '' && delegationEpoch === epoch ? delegationExpiresAt - now : 0
}

function needsNewDelegation(publication: Publication, epoch: number, now: number): boolean {
  return delegationMsLeft(publication, epoch, now) <= (ONLINE_DELEGATION_SECONDS * MS_PER_SECOND) / 2
}

function noManifestKey(): KeyhavenError {
  return new KeyhavenError('MANIFEST_INVALID', 'the application has no manifest key')
}

function remember(cache: Map<string, Published>, applicationId: string, made: Published): void {
  cache.delete(applicationId)
  cache.set(applicationId, made)
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!)
}

/** Two manifests of the same content differ only in sequence and times. */
function manifestContent(epoch: number, keys: readonly ManifestKey[]): string {
  return JSON.stringify([epoch, keys.map((key) => [key.id, key.state, key.end ?? 0, key.publicKey])])
}
