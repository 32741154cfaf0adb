import {
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  KeyhavenError,
  toBase64url,
} from '@keyhaven/crypto'
import { appendToPeaks, decodeLeaf, leafHash, rootOf, TILE_WIDTH, tileWidth } from '../log/index.ts'
import type { DirectoryApi } from './directory-api.ts'
import type { DirectoryIdentity, MonitorReport } from './directory-client.ts'
import type { LookUps } from './look-up.ts'
import type { MonitorProgress, RememberedUser, UserMemory } from './user-memory.ts'

/**
 * A log up to this size is read again from the start when there is a new contact. Of a larger one a new contact's leaves
 * are watched from then on only: a phone does not fetch a hundred megabytes for each new name.
 */
const RESCAN_MAX_LEAVES = 65_536
/** Progress is written after so many tiles of 256 entries, so that a first run can be interrupted. */
const TILES_BETWEEN_WRITES = 64
const NOTHING: MonitorProgress = { size: 0, peaks: [], found: {} }

export interface MonitorOptions {
  readonly backend: CryptoBackend
  readonly api: DirectoryApi
  readonly lookUps: LookUps
  readonly users: () => Promise<UserMemory>
}

/**
 * Looks through every leaf of the log since the last time, recomputes the log's root from them, and compares the places
 * that carry the own label, or a contact's, with what look-ups show. A directory that hides an entry from a look-up
 * cannot hide it here: the root covers it.
 *
 * @throws KeyhavenError `LOG_INCONSISTENT` if the leaves do not give the root of the checkpoint.
 */
export async function monitorLog(
  options: MonitorOptions,
  identity: DirectoryIdentity,
): Promise<MonitorReport> {
  const { lookUps } = options
  const users = await options.users()
  const { remembered: before, checkpoint } = await lookUps.prove(identity.username)
  const watched = new Map<string, string>([[before.label, identity.username]])
  for (const username of await users.contacts()) {
    const contact = await users.user(username).read()
    if (contact !== undefined) watched.set(contact.label, username)
  }
  const progress = await scan(options, checkpoint, { own: before.label, labels: [...watched.keys()] })
  const withheld: { username: string; index: number }[] = []
  const hidden: number[] = []
  for (const [label, username] of watched) {
    for (const index of await unexplained(options, username, progress.found[label] ?? [])) {
      if (username === identity.username) hidden.push(index)
      else withheld.push({ username, index })
    }
  }
  const own = (await users.user(identity.username).read()) ?? before
  return { size: progress.size, unseen: unseen(own, identity), hidden, withheld }
}

/** Places under the user's label that not even a fresh look-up shows. */
async function unexplained(
  { lookUps, users }: MonitorOptions,
  username: string,
  places: readonly number[],
): Promise<readonly number[]> {
  const known = (await (await users()).user(username).read())?.indices ?? []
  if (places.every((index) => known.includes(index))) return []
  const { indices } = (await lookUps.prove(username)).remembered
  return places.filter((index) => !indices.includes(index))
}

function unseen({ state, acknowledged = -1 }: RememberedUser, { device }: DirectoryIdentity) {
  return state.history.filter(
    ({ sequence, signer }) =>
      sequence > acknowledged && !(signer.kind === 'device' && signer.device === device),
  )
}

async function scan(
  { backend, api, users }: MonitorOptions,
  { size, root }: { readonly size: number; readonly root: string },
  { own, labels }: { readonly own: string; readonly labels: readonly string[] },
): Promise<MonitorProgress> {
  const value = (await users()).monitor()
  let progress = (await value.read()) ?? NOTHING
  const missing = labels.filter((label) => !Object.hasOwn(progress.found, label))
  if (missing.includes(own) || (missing.length > 0 && progress.size <= RESCAN_MAX_LEAVES)) progress = NOTHING
  if (progress.size > size) return progress
  const found: Record<string, number[]> = {}
  for (const label of labels) found[label] = [...(progress.found[label] ?? [])]
  let head = { size: progress.size, peaks: progress.peaks.map((peak) => fromBase64url(peak) as Uint8Array) }
  for (let tiles = 1; head.size < size; tiles++) {
    const index = Math.floor(head.size / TILE_WIDTH)
    const width = tileWidth({ level: 'entries', index }, size)
    const entries = await api.entries({ level: 'entries', index, width })
    const fresh = entries.slice(head.size - index * TILE_WIDTH)
    const hashes: Uint8Array[] = []
    for (const [at, entry] of fresh.entries()) {
      const leaf = decodeLeaf(entry)
      const label = leaf.kind === 'entry' ? toBase64url(leaf.label) : ''
      found[label]?.push(head.size + at)
      hashes.push(await leafHash(backend, entry))
    }
    const { size: reached, peaks } = await appendToPeaks(backend, head, hashes)
    head = { size: reached, peaks: [...peaks] }
    // Written before the root is checked, only to be continued: a wrong leaf makes every later root wrong.
    if (tiles % TILES_BETWEEN_WRITES === 0) await value.write(written(head, found))
  }
  if (!equalConstantTime(await rootOf(backend, head.peaks), fromBase64url(root))) {
    await value.write(NOTHING)
    throw new KeyhavenError('LOG_INCONSISTENT', 'the leaves of the log are not those of its checkpoint')
  }
  const done = written(head, found)
  await value.write(done)
  return done
}

function written(
  { size, peaks }: { readonly size: number; readonly peaks: readonly Uint8Array[] },
  found: Readonly<Record<string, readonly number[]>>,
): MonitorProgress {
  return { size, peaks: peaks.map((peak) => toBase64url(peak)), found }
}
