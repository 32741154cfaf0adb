import { KeyhavenError } from '@keyhaven/crypto'
import type { NodeId } from './node-id.ts'
import { requireTile, TILE_HEIGHT, TILE_WIDTH, type TileId } from './tile-path.ts'
import { HASH_BYTES } from './tree-hash.ts'

/** Nodes whose hashes a tile is made of, in order. @throws TypeError for a tile of entries. */
export function tileNodes(tile: TileId): NodeId[] {
  requireTile(tile)
  if (tile.level === 'entries') throw new TypeError('a bundle of entries has no nodes')
  const level = tile.level * TILE_HEIGHT
  const first = tile.index * TILE_WIDTH
  return Array.from({ length: tile.width }, (_, at) => ({ level, index: first + at }))
}

/** Contents of a tile (C2SP tlog-tiles): 1 to 256 hashes, one behind the other. */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (hashes.length === 0 || hashes.length > TILE_WIDTH) throw new TypeError('a tile has 1 to 256 hashes')
  const bytes = new Uint8Array(hashes.length * HASH_BYTES)
  for (const [at, hash] of hashes.entries()) {
    if (hash.length !== HASH_BYTES) throw new TypeError(`a hash has ${HASH_BYTES} bytes`)
    bytes.set(hash, at * HASH_BYTES)
  }
  return bytes
}

/** @throws KeyhavenError `WIRE_MALFORMED` if the length does not fit the width. */
export function decodeTile(tile: TileId, bytes: Uint8Array): Uint8Array[] {
  requireTile(tile)
  if (bytes.length !== tile.width * HASH_BYTES) {
    throw new KeyhavenError('WIRE_MALFORMED', `a tile of ${tile.width} hashes has another length`)
  }
  return Array.from({ length: tile.width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
}
