import { backend, KeyhavenError } from '@keyhaven/crypto'
import type { Checkpoint, LogNodes } from '@keyhaven/directory/log'
import {
  addCosignatures,
  consistencyProof,
  inclusionProof,
  parseVerifierKey,
  signCheckpoint,
  type VerifierKey,
} from '@keyhaven/directory/log'
import { LOG_CHANGE_PREFIX } from '../../platform/anchor/absorb-state.ts'
import { storedNodes } from '../../platform/anchor/check-logs.ts'
import type { Db } from '../../platform/database/schema.ts'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import type { LogHeadsTable } from '../tables.ts'
import { appendLeaves, lockLogHead } from './append-leaves.ts'
import { createLog } from './create-log.ts'
import type { LogFiles } from './log-files.ts'
import { createLogFiles } from './log-files.ts'
import type { LogKeys } from './log-keys.ts'
import { loadLogKeys } from './log-keys.ts'
import { createWitnessPusher, witnessName } from './witness-pusher.ts'
import { NO_WITNESS_REPORTS } from './witness-reports.ts'

const MS_PER_SECOND = 1_000
/** A checkpoint that is read when it is older than this is signed anew, so that nobody gets one of an hour. */
export const CHECKPOINT_REFRESH_MS = 600_000
/** A cosigned checkpoint may be older than the newest by so much, unless a minimum size says otherwise. */
const COSIGNED_FOR_MS = 3_600_000
/** How long whoever reads a checkpoint that nobody cosigned yet waits for the witnesses. */
const COSIGNING_WAIT_MS = 2_000
/** Applications whose keys stay in memory. */
const MAX_KNOWN_KEYS = 1_000

/** The newest checkpoint of a log, or the newest that its witnesses know. */
export interface ServedCheckpoint {
  readonly origin: string
  /** Signed note, with the cosignatures there are. */
  readonly note: string
  readonly size: number
  readonly root: Uint8Array
  /** Milliseconds: when the log signed it. */
  readonly signedAt: number
  readonly cosignatures: number
}

/** The logs of all applications, over the database. */
export interface DirectoryLog {
  readonly files: LogFiles
  /** Makes the log if it is not there. @throws KeyhavenError `NOT_FOUND`: no such application. */
  ensure(applicationId: string): Promise<LogKeys>
  /** @throws KeyhavenError `NOT_FOUND` if the application has no log. */
  keys(applicationId: string): Promise<LogKeys>
  /** In the caller's transaction. @returns the first leaf's position. */
  append(
    transaction: StateTransaction,
    applicationId: string,
    keys: LogKeys,
    leaves: readonly Uint8Array[],
  ): Promise<number>
  /**
   * The newest checkpoint, or an older one of at least `minimumSize` if witnesses cosigned that and not the newest.
   * @throws KeyhavenError `NOT_FOUND`.
   */
  checkpoint(applicationId: string, minimumSize?: number): Promise<ServedCheckpoint>
  /** @throws KeyhavenError `NOT_FOUND`. */
  head(applicationId: string): Promise<Pick<LogHeadsTable, 'origin' | 'size' | 'root' | 'peaks'>>
  nodes(applicationId: string): LogNodes
  inclusionProof(applicationId: string, index: number, size: number): Promise<readonly Uint8Array[]>
  consistencyProof(applicationId: string, from: number, to: number): Promise<readonly Uint8Array[]>
  /** @throws KeyhavenError `NOT_FOUND`. */
  leaves(applicationId: string, from: number, count: number): Promise<readonly Uint8Array[]>
  close(): Promise<void>
}

export function createDirectoryLog(
  state: State,
  clock: () => number,
  onError: (error: unknown) => void,
  reports = NO_WITNESS_REPORTS,
): DirectoryLog {
  const { db, dialect, config } = state
  const files = createLogFiles(config.directory.logDir, db)
  const { witnesses: witnessConfigs } = config.directory
  const pusher = createWitnessPusher({ db, witnesses: witnessConfigs, clock, reports })
  const known = new Map<string, LogKeys>()
  const stopListening = state.changes.onChange((changed) => {
    if (changed === undefined) {
      known.clear()
      files.catchUpAll().catch(onError)
    } else if (changed.startsWith(LOG_CHANGE_PREFIX)) {
      files.catchUp(changed.slice(LOG_CHANGE_PREFIX.length)).catch(onError)
    } else known.delete(changed)
  })
  let witnessKeys: Promise<readonly VerifierKey[]> | undefined
  const witnesses = (): Promise<readonly VerifierKey[]> => {
    witnessKeys ??= Promise.all(
      witnessConfigs.map(({ verifierKey }) => parseVerifierKey(backend, verifierKey)),
    )
    return witnessKeys
  }

  async function find(applicationId: string): Promise<LogKeys | undefined> {
    await state.changes.confirmFresh()
    const present = known.get(applicationId)
    if (present !== undefined) return present
    const { version } = state.changes
    const loaded = await loadLogKeys(state, applicationId)
    if (loaded !== undefined && state.changes.version === version) {
      known.set(applicationId, loaded)
      if (known.size > MAX_KNOWN_KEYS) known.delete(known.keys().next().value!)
    }
    return loaded
  }

  const keys = async (applicationId: string): Promise<LogKeys> => (await find(applicationId)) ?? noLog()

  const readHead = async (applicationId: string): Promise<LogHeadsTable> =>
    (await db
      .selectFrom('log_heads')
      .selectAll()
      .where('application_id', '=', applicationId)
      .executeTakeFirst()) ?? noLog()

  /** Signs the newest head again, with the present time. */
  async function refresh(applicationId: string): Promise<LogHeadsTable> {
    const { signer } = await keys(applicationId)
    const head = await state.transaction(async (transaction) => {
      const found = (await lockLogHead(transaction.db, dialect, applicationId)) ?? noLog()
      if (isFresh(found, transaction.now)) return found
      const signed = {
        checkpoint: await signAt(signer, found, transaction.now),
        checkpoint_at: transaction.now,
      }
      await transaction.db
        .updateTable('log_heads')
        .set(signed)
        .where('application_id', '=', applicationId)
        .execute()
      return { ...found, ...signed }
    })
    pusher.push(applicationId)
    return head
  }

  async function checkpoint(applicationId: string, minimumSize = 0): Promise<ServedCheckpoint> {
    const stored = await readHead(applicationId)
    const head = isFresh(stored, clock()) ? stored : await refresh(applicationId)
    const { origin } = head
    const plain = {
      origin,
      note: head.checkpoint,
      size: head.size,
      root: head.root,
      signedAt: head.checkpoint_at,
    }
    if (witnessConfigs.length === 0) return { ...plain, cosignatures: 0 }
    const wanted = {
      size: head.size,
      minimumSize,
      since: clock() - COSIGNED_FOR_MS,
      names: witnessConfigs.map(witnessName),
    }
    let best = await readCosigned(db, applicationId, wanted)
    if (best === undefined) {
      pusher.push(applicationId)
      await pusher.settled(applicationId, COSIGNING_WAIT_MS)
      best = await readCosigned(db, applicationId, wanted)
    }
    if (best === undefined) return { ...plain, cosignatures: 0 }
    const now = clock()
    const base =
      best.size === head.size
        ? plain
        : {
            origin,
            note: await signAt((await keys(applicationId)).signer, best, now),
            size: best.size,
            root: best.root,
            signedAt: now,
          }
    const note = await addCosignatures(backend, base.note, best.lines.join(''), await witnesses())
    return { ...base, note, cosignatures: best.lines.length }
  }

  return {
    files,
    keys,
    async ensure(applicationId) {
      const present = await find(applicationId)
      if (present !== undefined) return present
      await createLog(state, applicationId)
      await files.catchUp(applicationId)
      return keys(applicationId)
    },
    append(transaction, applicationId, { signer }, leaves) {
      transaction.afterCommit(() => pusher.push(applicationId))
      return appendLeaves(transaction, dialect, applicationId, { signer }, leaves)
    },
    checkpoint,
    head: readHead,
    nodes: (applicationId) => storedNodes(db, applicationId),
    inclusionProof: (applicationId, index, size) =>
      inclusionProof(backend, storedNodes(db, applicationId), index, size),
    consistencyProof: (applicationId, from, to) =>
      consistencyProof(backend, storedNodes(db, applicationId), from, to),
    async leaves(applicationId, from, count) {
      const rows = await db
        .selectFrom('log_entries')
        .select('leaf')
        .where('application_id', '=', applicationId)
        .where('position', '>=', from)
        .where('position', '<', from + count)
        .orderBy('position')
        .execute()
      if (rows.length !== count) throw new KeyhavenError('NOT_FOUND', 'the log has no such entries')
      return rows.map(({ leaf }) => new Uint8Array(leaf.buffer, leaf.byteOffset, leaf.byteLength))
    },
    async close() {
      stopListening()
      await Promise.all([pusher.close(), files.close()])
    },
  }
}

function isFresh(head: Pick<LogHeadsTable, 'checkpoint' | 'checkpoint_at'>, now: number): boolean {
  // A clock that was set back would otherwise keep a checkpoint from the future.
  const age = now - head.checkpoint_at
  return head.checkpoint !== '' && age < CHECKPOINT_REFRESH_MS && age > -CHECKPOINT_REFRESH_MS
}

function signAt(
  signer: LogKeys['signer'],
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
  now: number,
): Promise<string> {
  return signCheckpoint(backend, signer, { size, root }, Math.floor(now / MS_PER_SECOND))
}

/** What the most witnesses cosigned, the newest of it; undefined: nothing that will do. */
async function readCosigned(
  db: Db,
  applicationId: string,
  wanted: { size: number; minimumSize: number; since: number; names: readonly string[] },
): Promise<{ size: number; root: Uint8Array; lines: readonly string[] } | undefined> {
  const rows = await db
    .selectFrom('log_cosignatures')
    .select(['size', 'root', 'cosignature'])
    .where('application_id', '=', applicationId)
    .where('witness', 'in', wanted.names)
    .where('size', '>=', wanted.minimumSize)
    .where('size', '<=', wanted.size)
    .where((where) => where.or([where('size', '=', wanted.size), where('cosigned_at', '>', wanted.since)]))
    .execute()
  const bySize = Map.groupBy(rows, (row) => row.size)
  const [best] = [...bySize].sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || b - a)
  if (best === undefined) return undefined
  const [size, of] = best
  return { size, root: of[0]!.root, lines: of.map((row) => row.cosignature) }
}

function noLog(): never {
  throw new KeyhavenError('NOT_FOUND', 'the application has no directory')
}
