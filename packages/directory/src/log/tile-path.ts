import { KeyhavenError } from '@keyhaven/crypto'
import { isLogSize } from './node-id.ts'

/** Hashes, or entries, of a full tile (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
/** Levels of the tree that a tile spans. */
export const TILE_HEIGHT = 8
export const MAX_TILE_LEVEL = 63
const GROUP_DIGITS = 3
/** Longest path that can be canonical: six groups of an index. */
const MAX_PATH_CHARACTERS = 64

/** Which tile: of hashes at a tile level (8 levels of the tree each), or of the entries themselves. */
export interface TileId {
  readonly level: number | 'entries'
  /** Place within the level. */
  readonly index: number
  /** 1 to 256; a width of 256 is a full tile. */
  readonly width: number
}

const TILE_PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/

/**
 * Path of a tile below the log's prefix (C2SP tlog-tiles): `tile/<L>/<N>[.p/<W>]`, where index 1234067 is
 * `x001/x234/067`.
 *
 * @throws TypeError if there is no such tile.
 */
export function tilePath(tile: TileId): string {
  requireTile(tile)
  let digits = String(tile.index)
  digits = digits.padStart(Math.ceil(digits.length / GROUP_DIGITS) * GROUP_DIGITS, '0')
  const groups = digits.match(/\d{3}/g)!
  const last = groups.pop()!
  const index = [...groups.map((group) => `x${group}`), last].join('/')
  return `tile/${tile.level}/${index}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`
}

/**
 * Reads a path made by {@link tilePath}; strict, so that one tile has one path.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function parseTilePath(path: string): TileId {
  const match = path.length <= MAX_PATH_CHARACTERS ? TILE_PATH.exec(path) : null
  if (!match) throw malformed()
  const level = match[1] === 'entries' ? 'entries' : Number(match[1])
  const index = Number(match[2]!.replaceAll(/[x/]/g, ''))
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3])
  const tile: TileId = { level, index, width }
  if (!isTile(tile) || tilePath(tile) !== path) throw malformed()
  return tile
}

/** How many hashes or entries a log of this size has in a tile: 0 (no such tile) to 256. */
export function tileWidth(tile: Pick<TileId, 'level' | 'index'>, size: number): number {
  const level = tile.level === 'entries' ? 0 : tile.level
  const hashes = Math.floor(size / TILE_WIDTH ** level)
  return Math.max(0, Math.min(TILE_WIDTH, hashes - tile.index * TILE_WIDTH))
}

/** Every entry bundle of a log of this size, in order: what an auditor fetches. */
export function* entryTiles(size: number): Generator<TileId> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    yield { level: 'entries', index, width: tileWidth({ level: 'entries', index }, size) }
  }
}

/** @throws TypeError */
export function requireTile(tile: TileId): void {
  if (!isTile(tile)) throw new TypeError('no such tile')
}

function isTile({ level, index, width }: TileId): boolean {
  const levelFits =
    level === 'entries' || (Number.isSafeInteger(level) && level >= 0 && level <= MAX_TILE_LEVEL)
  const widthFits = Number.isSafeInteger(width) && width >= 1 && width <= TILE_WIDTH
  return levelFits && widthFits && isLogSize(index)
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not the path of a tile')
}
