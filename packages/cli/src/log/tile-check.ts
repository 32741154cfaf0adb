import { equalConstantTime } from '@keyhaven/crypto'
import { type LogNode, TILE_WIDTH, type TileId } from '@keyhaven/directory/log'

/** Levels of the tree that a tile spans. */
const TILE_HEIGHT = 8

/** Compares a log's tiles of hashes with the tree that its entries make. */
export interface TileCheck {
  /** A tile of level 0, which is fetched together with its entries. */
  compare(tile: TileId, found: readonly Uint8Array[] | undefined, computed: readonly Uint8Array[]): void
  /** Takes the nodes that grew, in order; fetches and compares every tile above level 0 that is full then. */
  grow(nodes: readonly LogNode[]): Promise<void>
  /** Fetches and compares the partial tiles above level 0. */
  finish(): Promise<void>
  /** The first that differs or is missing. */
  firstWrong(): TileId | undefined
}

export function createTileCheck(
  fetchTile: (tile: TileId) => Promise<readonly Uint8Array[] | undefined>,
): TileCheck {
  /** By tile level: the hashes of the tile that is being filled, and its place. */
  const filling = new Map<number, { index: number; hashes: Uint8Array[] }>()
  let wrong: TileId | undefined
  const compare: TileCheck['compare'] = (tile, found, computed) => {
    const same =
      found?.length === computed.length && found.every((hash, at) => equalConstantTime(hash, computed[at]!))
    if (!same) wrong ??= { ...tile, level: tile.level === 'entries' ? 0 : tile.level }
  }
  const fetchAndCompare = async (level: number): Promise<void> => {
    const { index, hashes } = filling.get(level)!
    const tile = { level, index, width: hashes.length }
    compare(tile, await fetchTile(tile), hashes)
  }
  return {
    compare,
    async grow(nodes) {
      for (const node of nodes) {
        if (node.level === 0 || node.level % TILE_HEIGHT !== 0) continue
        const level = node.level / TILE_HEIGHT
        const tile = filling.get(level) ?? { index: 0, hashes: [] }
        filling.set(level, tile)
        tile.hashes.push(node.hash)
        if (tile.hashes.length < TILE_WIDTH) continue
        await fetchAndCompare(level)
        filling.set(level, { index: tile.index + 1, hashes: [] })
      }
    },
    async finish() {
      for (const [level, { hashes }] of filling) if (hashes.length > 0) await fetchAndCompare(level)
    },
    firstWrong: () => wrong,
  }
}
