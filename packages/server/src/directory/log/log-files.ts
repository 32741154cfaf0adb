import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KeyhavenError } from '@keyhaven/crypto'
import { TILE_WIDTH, tilePath } from '@keyhaven/directory/log'
import type { DataLock } from '../../data-lock.ts'
import { lockDataFolder } from '../../data-lock.ts'
import type { Db } from '../../platform/database/schema.ts'
import { readRecordLines, recordFile } from './log-records.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
const ORIGIN_FILE = 'origin'
const LENGTH_BYTES = 2
const LOCK_WAIT_MS = 5_000
const LOCK_RETRY_MS = 5
/** Leaves read from the database at once: eight bundles. */
const BATCH_LEAVES = 8 * TILE_WIDTH

/**
 * The leaves of every log beside the anchor, outside the database and its backups, so that a log does not shrink when
 * the database is set back. Each file is one bundle of 256 entries (C2SP tlog-tiles) and only ever grows. Beside them
 * lie the entries themselves, for this server's eyes only, so that users' chains do not break either.
 */
export interface LogFiles {
  /**
   * Writes what the database holds and the files do not. @throws KeyhavenError `STORE_UNAVAILABLE`.
   * @param applicationId - whose log.
   */
  catchUp(applicationId: string): Promise<void>
  /** The same for every log there is. */
  catchUpAll(): Promise<void>
  /** Ends what is under way, and does nothing more. */
  close(): Promise<void>
}

export function createLogFiles(folder: string, db: Db): LogFiles {
  /** Where each log's files were found to end; others may have written more. */
  const known = new Map<string, number>()
  const running = new Map<string, Promise<void>>()
  const waiting = new Map<string, Promise<void>>()
  let closed = false
  let all: Promise<void> | undefined

  async function write(applicationId: string): Promise<void> {
    const head = await db
      .selectFrom('log_heads')
      .select(['size', 'origin'])
      .where('application_id', '=', applicationId)
      .executeTakeFirst()
    if (head === undefined || (known.get(applicationId) ?? 0) >= head.size) return
    const place = join(folder, applicationId)
    await mkdir(place, { recursive: true, mode: DIRECTORY_MODE })
    const lock = await waitForLock(place)
    try {
      await checkOrigin(place, head.origin)
      let end = await mendEnd(place, Math.floor((known.get(applicationId) ?? 0) / TILE_WIDTH))
      while (end < head.size) {
        const rows = await db
          .selectFrom('log_entries')
          .select(['position', 'leaf'])
          .where('application_id', '=', applicationId)
          .where('position', '>=', end)
          .orderBy('position')
          .limit(BATCH_LEAVES)
          .execute()
        if (rows[0]?.position !== end) throw new Error(`leaf ${end} is not in the database`)
        const leaves = rows.map((row) => row.leaf)
        // Records first: a leaf that is there has its record.
        await appendBundles(place, applicationId, end, leaves)
        end += rows.length
      }
      known.set(applicationId, end)
    } finally {
      lock.release()
    }
  }

  async function appendBundles(
    place: string,
    applicationId: string,
    start: number,
    leaves: readonly Uint8Array[],
  ): Promise<void> {
    let at = 0
    while (at < leaves.length) {
      const index = Math.floor((start + at) / TILE_WIDTH)
      const room = (index + 1) * TILE_WIDTH - (start + at)
      const part = leaves.slice(at, at + room)
      const records = await readRecordLines(db, applicationId, start + at, start + at + part.length)
      if (records.length > 0) await appendAndSync(recordFile(place, index), records)
      await appendAndSync(bundleFile(place, index), frame(part))
      at += part.length
    }
  }

  async function catchUp(applicationId: string): Promise<void> {
    if (closed) return
    const present = running.get(applicationId)
    if (present !== undefined) {
      // What is under way may have read the head before the caller's commit.
      let next = waiting.get(applicationId)
      if (next === undefined) {
        next = present
          .catch(() => {})
          .then(() => {
            waiting.delete(applicationId)
            return catchUp(applicationId)
          })
        waiting.set(applicationId, next)
      }
      return next
    }
    const work = write(applicationId)
      .catch((cause: unknown) => {
        if (cause instanceof KeyhavenError) throw cause
        throw new KeyhavenError(
          'STORE_UNAVAILABLE',
          `the change is stored, but the log's files in ${folder} cannot be written`,
          { cause },
        )
      })
      .finally(() => running.delete(applicationId))
    running.set(applicationId, work)
    return work
  }

  async function catchUpEach(): Promise<void> {
    if (closed) return
    const rows = await db.selectFrom('log_heads').select('application_id').execute()
    for (const row of rows) await catchUp(row.application_id)
  }

  return {
    catchUp,
    catchUpAll() {
      all ??= catchUpEach().finally(() => {
        all = undefined
      })
      return all
    },
    async close() {
      closed = true
      await Promise.allSettled([all, ...running.values(), ...waiting.values()])
    },
  }
}

/**
 * The leaves that the files hold, bundle by bundle, up to a torn end.
 * @throws KeyhavenError `CONFIG_INVALID` if the files are of another log.
 */
export async function* readLogFiles(
  folder: string,
  applicationId: string,
  origin: string | undefined,
): AsyncGenerator<readonly Uint8Array[]> {
  const place = join(folder, applicationId)
  if (!existsSync(join(place, ORIGIN_FILE))) return
  if (origin !== undefined) await checkOrigin(place, origin)
  for (let index = 0; existsSync(bundleFile(place, index)); index++) {
    const { leaves } = splitBundle(await readFile(bundleFile(place, index)))
    yield leaves
    if (leaves.length < TILE_WIDTH) return
  }
}

/** Puts files away that do not belong to the log that goes on. */
export async function setLogFilesAside(folder: string, applicationId: string, now: number): Promise<void> {
  const place = join(folder, applicationId)
  if (existsSync(place)) await rename(place, `${place}.aside-${now}`)
}

function bundleFile(place: string, index: number): string {
  return join(place, tilePath({ level: 'entries', index, width: TILE_WIDTH }))
}

async function waitForLock(place: string): Promise<DataLock> {
  for (const until = performance.now() + LOCK_WAIT_MS; ; ) {
    try {
      return lockDataFolder(place, 'alone')
    } catch (error) {
      const busy = error instanceof KeyhavenError && error.code === 'CONFIG_INVALID'
      if (!busy || performance.now() > until) throw error
      await delay(LOCK_RETRY_MS)
    }
  }
}

async function checkOrigin(place: string, origin: string): Promise<void> {
  const file = join(place, ORIGIN_FILE)
  if (!existsSync(file)) {
    await appendAndSync(file, Buffer.from(`${origin}\n`))
    return
  }
  const found = (await readFile(file, 'utf8')).trimEnd()
  if (found !== origin) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      `${place} holds the log ${found}, not ${origin}: give this server another KEYHAVEN_LOG_DIR`,
    )
  }
}

/** Number of leaves in the files; what a crash left of a last, half-written one is cut off. */
async function mendEnd(place: string, from: number): Promise<number> {
  let index = from
  while (existsSync(bundleFile(place, index + 1))) index++
  const file = bundleFile(place, index)
  if (!existsSync(file)) return index * TILE_WIDTH
  const bytes = await readFile(file)
  const { leaves, length } = splitBundle(bytes)
  if (length < bytes.length) await truncate(file, length)
  return index * TILE_WIDTH + leaves.length
}

/** @returns whole leaves, and how many bytes they take. */
function splitBundle(bytes: Buffer): { leaves: Uint8Array[]; length: number } {
  const leaves: Uint8Array[] = []
  let at = 0
  while (leaves.length < TILE_WIDTH && at + LENGTH_BYTES <= bytes.length) {
    const end = at + LENGTH_BYTES + bytes.readUInt16BE(at)
    if (end > bytes.length) break
    leaves.push(new Uint8Array(bytes.subarray(at + LENGTH_BYTES, end)))
    at = end
  }
  return { leaves, length: at }
}

function frame(leaves: readonly Uint8Array[]): Buffer {
  const parts = leaves.flatMap((leaf) => {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt16BE(leaf.length)
    return [length, leaf]
  })
  return Buffer.concat(parts)
}

async function appendAndSync(file: string, bytes: Buffer): Promise<void> {
  const isNew = !existsSync(file)
  if (isNew) await mkdir(dirname(file), { recursive: true, mode: DIRECTORY_MODE })
  const handle = await open(file, 'a', FILE_MODE)
  try {
    await handle.appendFile(bytes)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  if (!isNew) return
  const directory = await open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
