import { KeyhavenError } from '@keyhaven/crypto'
import { z } from 'zod'

/**
 * A backup is gzip over JSON lines: header, one line a row, trailer. The trailer holds the SHA-256 of every
 * byte before it, so a backup that was cut or changed by accident is refused. Layout: docs/storage-schema.md,
 * "Backup".
 */
export const BACKUP_FORMAT = 'keyhaven-backup'
export const BACKUP_VERSION = 1
/** One row: far above any key, manifest or history. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

const HEX_32 = z.string().regex(/^[0-9a-f]{64}$/)
const COUNT = z.number().int().nonnegative()

const HEADER = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  version: z.literal(BACKUP_VERSION),
  /** ISO 8601. */
  createdAt: z.string(),
  installation: z.string(),
  /** Names of the migrations that had run. */
  schema: z.array(z.string()).max(10_000),
  /** Master keys that hold the private keys; their keyring is not in the backup. */
  masterKeyIds: z.array(z.string()).max(64),
  auditHead: z.strictObject({ sequence: COUNT, hash: HEX_32 }),
  /** Rows of each table. */
  counts: z.record(z.string(), COUNT),
})
export type BackupHeader = z.infer<typeof HEADER>

const TRAILER = z.strictObject({ end: z.literal(true), rows: COUNT, sha256: HEX_32 })
export type BackupTrailer = z.infer<typeof TRAILER>

export type Cell = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Cell>>

export function encodeLine(value: BackupHeader | BackupTrailer): string {
  return `${JSON.stringify(value)}\n`
}

/** `["table",{column:value}]`; bytes are `{"$bytes":"base64"}`. */
export function encodeRow(table: string, row: Row): string {
  const cells = Object.entries(row).map(([column, value]) => [column, encodeCell(value)])
  return `${JSON.stringify([table, Object.fromEntries(cells)])}\n`
}

export function decodeHeader(line: string): BackupHeader {
  return decode(HEADER, line, 'this is not a backup that this version can read')
}

/** @returns a row with its table, or the trailer. */
export function decodeLine(line: string): { table: string; row: Row } | BackupTrailer {
  if (line.startsWith('{')) return decode(TRAILER, line, DAMAGED)
  const [table, cells] = decode(ROW, line, DAMAGED)
  const row = Object.entries(cells).map(([column, value]): [string, Cell] => [
    column,
    typeof value === 'object' && value !== null ? Buffer.from(value.$bytes, 'base64') : value,
  ])
  return { table, row: Object.fromEntries(row) }
}

const DAMAGED = 'the backup is cut or damaged'

const ROW = z.tuple([
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.null(), z.strictObject({ $bytes: z.base64() })])),
])

function encodeCell(value: Cell): unknown {
  if (!(value instanceof Uint8Array)) return value
  return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
}

function decode<T>(schema: z.ZodType<T>, line: string, message: string): T {
  try {
    return schema.parse(JSON.parse(line))
  } catch {
    throw new KeyhavenError('INPUT_INVALID', message)
  }
}
