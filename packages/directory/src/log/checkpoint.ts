import { fromBase64, KeyhavenError, toBase64 } from '@keyhaven/crypto'
import { parseDecimal } from './decimal.ts'
import { requireSize } from './node-id.ts'
import { isKeyName } from './note.ts'
import { COSIGNATURE_HEADER } from './sign-note.ts'
import { HASH_BYTES } from './tree-hash.ts'

const MIN_LINES = 3

/** The head of a log (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Which log; also the name of its key. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Further lines: signed, but nothing is read from them. We write none. */
  readonly extensions: readonly string[]
}

/** Text of a checkpoint, not signed. @throws TypeError on an origin, size, root or extension that is none. */
export function formatCheckpoint(checkpoint: Omit<Checkpoint, 'extensions'> & Partial<Checkpoint>): string {
  const { origin, size, root, extensions = [] } = checkpoint
  requireSize(size, 'size')
  if (!isOrigin(origin)) throw new TypeError('not the origin of a log')
  if (root.length !== HASH_BYTES) throw new TypeError(`a root has ${HASH_BYTES} bytes`)
  if (extensions.some((line) => line === '' || line.includes('\n'))) throw new TypeError('an extension line')
  return `${[origin, size, toBase64(root), ...extensions].join('\n')}\n`
}

/**
 * Reads the text of a checkpoint; strict, so that one checkpoint has one text.
 *
 * @throws KeyhavenError `WIRE_MALFORMED`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : []
  const [origin, size, root, ...extensions] = lines as [string, string, string, ...string[]]
  if (lines.length < MIN_LINES || lines.includes('') || !isOrigin(origin)) throw malformed()
  const checkpoint = { origin, size: parseDecimal(size), root: fromBase64(root), extensions }
  if (checkpoint.root.length !== HASH_BYTES) throw malformed()
  return checkpoint
}

/**
 * Whether a log can be called so: as a key is, because it names the log's key, and not so that a checkpoint
 * could be read as what a cosignature signs.
 */
export function isOrigin(origin: string): boolean {
  return isKeyName(origin) && origin !== COSIGNATURE_HEADER
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'not a checkpoint')
}
