import { backend, equalConstantTime, KeyhavenError } from '@keyhaven/crypto'
import {
  appendToPeaks,
  decodeLeaf,
  entryTiles,
  type LogHead,
  type LogParameters,
  leafHash,
  rootOf,
  TILE_WIDTH,
  type TileId,
} from '@keyhaven/directory/log'
import type { PublicLog } from './public-log.ts'
import { readAhead } from './read-ahead.ts'
import { createTileCheck, type TileCheck } from './tile-check.ts'

/** So many bundles are asked for at a time. */
const BUNDLES_AHEAD = 8

/** A size of the log, and the root that was signed for it. */
export interface SignedHead {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** What the log is held against. */
export interface LogClaims {
  readonly application: string
  readonly origin: string
  /** The checkpoint that the log shows now. */
  readonly head: SignedHead
  /** A checkpoint that it showed before. */
  readonly remembered: SignedHead | undefined
}

export interface VerifiedLog {
  /** Entry 0; undefined in an empty log. */
  readonly parameters: LogParameters | undefined
}

interface Bundle {
  readonly tile: TileId
  readonly entries: readonly Uint8Array[]
  readonly hashes: readonly Uint8Array[] | undefined
}

/**
 * Fetches a whole log as an auditor does, and recomputes it: every entry, the root at the size of its
 * checkpoint and of the one remembered, and every tile of hashes that proofs are taken from. It keeps only
 * the right edge of the tree, whatever the size.
 *
 * A checkpoint that is smaller than the one remembered is no fault by itself, because a log may show the
 * newest one that its witnesses know: then the log must still hand out the entries up to the one remembered.
 *
 * @param onProgress - is told how many entries of how many are done.
 * @throws KeyhavenError `LOG_INCONSISTENT` if the log forked, shrank, was altered or holds what no log may
 *   hold;
 * `PROOF_INVALID` if the entries are right and the tiles of hashes are not; also what `log` throws.
 */
export async function verifyLog(
  log: PublicLog,
  claims: LogClaims,
  onProgress: (done: number, total: number) => void,
): Promise<VerifiedLog> {
  const { head, remembered } = claims
  if (remembered && remembered.size === head.size && !equalConstantTime(remembered.root, head.root)) {
    throw inconsistent(`it signed two different logs of ${head.size} entries: it forked`)
  }
  const total = Math.max(head.size, remembered?.size ?? 0)
  const heads = [head, ...(remembered ? [remembered] : [])]
  const tiles = createTileCheck((tile) => log.hashes(tile))
  const leaves = createLeafCheck(claims)
  const roots = createRootCheck(heads)
  let done = 0
  onProgress(done, total)
  const fetchBundle = (tile: TileId) => readBundle(log, tile, claims)
  for await (const { entries, hashes, tile } of readAhead(entryTiles(total), BUNDLES_AHEAD, fetchBundle)) {
    const leafHashes: Uint8Array[] = []
    for (const entry of entries) {
      leaves.check(entry, done)
      leafHashes.push(await leafHash(backend, entry))
      done += 1
    }
    tiles.compare(tile, hashes, leafHashes)
    await roots.append(leafHashes, tiles)
    onProgress(done, total)
  }
  await tiles.finish()
  await roots.append([], tiles)
  judge(claims, roots.wrong, leaves.wrong, tiles)
  return { parameters: leaves.parameters() }
}

/** Which fault it is: a wrong root explains every other one. */
function judge(
  { head, remembered }: LogClaims,
  wrongRoots: ReadonlySet<SignedHead>,
  wrongLeaf: { index: number; why: string } | undefined,
  tiles: TileCheck,
): void {
  if (wrongRoots.has(head)) {
    const first = tiles.firstWrong()
    const where = first ? `; the first that differ from its tiles of hashes are ${coverage(first)}` : ''
    throw inconsistent(`its ${head.size} entries are not those of its checkpoint${where}`)
  }
  if (remembered && wrongRoots.has(remembered)) {
    throw inconsistent(
      `its first ${remembered.size} entries are not those it had when it showed the checkpoint ` +
        'remembered: it forked',
    )
  }
  if (wrongLeaf) throw inconsistent(`entry ${wrongLeaf.index} ${wrongLeaf.why}`)
  const tile = tiles.firstWrong()
  if (tile) {
    throw new KeyhavenError(
      'PROOF_INVALID',
      `the entries are right, but a tile of hashes is missing or wrong (level ${tile.level}, ` +
        `${coverage(tile)}): proofs made from it do not hold`,
    )
  }
}

async function readBundle(log: PublicLog, tile: TileId, { head, remembered }: LogClaims): Promise<Bundle> {
  const [entries, hashes] = await Promise.all([log.entries(tile), log.hashes({ ...tile, level: 0 })])
  if (entries) return { tile, entries, hashes }
  const shrank = remembered && remembered.size > head.size
  throw inconsistent(
    shrank
      ? `it shrank: it had ${remembered.size} entries, shows a checkpoint of ${head.size}, and does not ` +
          `hand out ${coverage({ ...tile, level: 0 })} whole`
      : `it does not hand out ${coverage({ ...tile, level: 0 })} as its checkpoint has them`,
  )
}

/** Grows the tree and compares its root at each of some sizes. */
function createRootCheck(heads: readonly SignedHead[]) {
  let tree: LogHead = { size: 0, peaks: [] }
  const wrong = new Set<SignedHead>()
  return {
    wrong,
    async append(leafHashes: readonly Uint8Array[], tiles: TileCheck): Promise<void> {
      let rest = leafHashes
      do {
        const stops = heads.map(({ size }) => size - tree.size).filter((away) => away > 0)
        const count = Math.min(rest.length, ...stops)
        const grown = await appendToPeaks(backend, tree, rest.slice(0, count))
        tree = grown
        await tiles.grow(grown.nodes)
        for (const head of heads) {
          if (head.size !== tree.size) continue
          if (!equalConstantTime(head.root, await rootOf(backend, tree.peaks))) wrong.add(head)
        }
        rest = rest.slice(count)
      } while (rest.length > 0)
    },
  }
}

/** The form of every entry: parameters at the beginning and nowhere else. */
function createLeafCheck({ application, origin }: LogClaims) {
  let parameters: LogParameters | undefined
  const check = {
    wrong: undefined as { index: number; why: string } | undefined,
    parameters: () => parameters,
    check(entry: Uint8Array, index: number): void {
      const why = problemOf(entry, index)
      if (why && !check.wrong) check.wrong = { index, why }
    },
  }
  function problemOf(entry: Uint8Array, index: number): string | undefined {
    try {
      const leaf = decodeLeaf(entry)
      if ((leaf.kind === 'parameters') !== (index === 0)) return 'is of a kind that does not belong there'
      if (leaf.kind !== 'parameters') return undefined
      parameters = leaf
      const fits = leaf.application === application && leaf.origin === origin
      return fits ? undefined : `names another log: ${leaf.application} ${leaf.origin}`
    } catch (error) {
      if (error instanceof KeyhavenError) return `has no form that is known here (${error.message})`
      throw error
    }
  }
  return check
}

function coverage({ level, index, width }: TileId): string {
  const each = TILE_WIDTH ** (level === 'entries' ? 0 : level)
  const first = index * TILE_WIDTH * each
  return `entries ${first} to ${first + width * each - 1}`
}

function inconsistent(why: string): KeyhavenError {
  return new KeyhavenError('LOG_INCONSISTENT', `the log is not what it promised: ${why}`)
}
