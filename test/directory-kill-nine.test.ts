import { fileURLToPath } from 'node:url'
import { backend } from '@keyhaven/crypto'
import { auditLog, decodeLeaf, entryCommitment } from '@keyhaven/directory/log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDirectories } from '../packages/server/src/directory/directories.ts'
import { readLogFiles } from '../packages/server/src/directory/log/log-files.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import type { StateFixture } from './kit/engines.ts'
import { createStateFixture, ENGINES } from './kit/engines.ts'
import { killWorkers } from './kit/killed-worker.ts'

/** `npm run soak` asks for more. */
const KILLS = Number(process.env.SOAK_DIRECTORY_KILLS ?? 25)
const APP = 'demo'
const MAX_LINES = 10
/** About as long as one registration takes. */
const OPERATION_MS = 20
const WORKER = fileURLToPath(new URL('fixtures/register-users.ts', import.meta.url))
const TIMEOUT_MS = Math.max(240_000, KILLS * 5_000)

interface Acknowledged {
  /** `username sequence` → `index head`. */
  readonly entries: Map<string, string>
}

describe.each(ENGINES)('kill -9 during registration and renewal on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  test(
    `${KILLS} times: log, directory, anchor and files agree, and no answer was lost`,
    async () => {
      const known: Acknowledged = { entries: new Map() }
      const cutInside = await killWorkers(fixture, {
        kills: KILLS,
        worker: WORKER,
        maxLines: MAX_LINES,
        operationMs: OPERATION_MS,
        done: ([username, sequence, index, head]) => {
          known.entries.set(`${username} ${sequence}`, `${index} ${head}`)
        },
        check: (state) => check(state, known),
      })
      expect(known.entries.size).toBeGreaterThan(KILLS / 2)
      expect(cutInside).toBeGreaterThan(0)
      process.stdout.write(
        `kill -9 of the directory on ${engine.name}: ${KILLS} kills, ${cutInside} inside an operation, ` +
          `${known.entries.size} acknowledged entries, nothing lost\n`,
      )
    },
    TIMEOUT_MS,
  )
})

async function check(state: State, known: Acknowledged): Promise<void> {
  const directories = await openDirectories({
    state,
    clock: Date.now,
    onError: (error) => {
      throw error
    },
  })
  const head = await state.db
    .selectFrom('log_heads')
    .selectAll()
    .where('application_id', '=', APP)
    .executeTakeFirst()
  if (head === undefined) {
    // Killed before there was a log.
    expect(known.entries.size).toBe(0)
    await directories.close()
    return
  }
  const leaves = (
    await state.db
      .selectFrom('log_entries')
      .selectAll()
      .where('application_id', '=', APP)
      .orderBy('position')
      .execute()
  ).map((row) => new Uint8Array(row.leaf))
  await auditLog(backend, [leaves], { size: head.size, root: new Uint8Array(head.root) })

  // Each entry has its leaf, and each leaf its entry.
  const entries = await state.db
    .selectFrom('directory_entries')
    .selectAll()
    .where('application_id', '=', APP)
    .orderBy('log_index')
    .execute()
  expect(entries.map((entry) => entry.log_index)).toEqual(leaves.slice(1).map((_, at) => at + 1))
  for (const entry of entries) {
    const leaf = decodeLeaf(leaves[entry.log_index]!)
    if (leaf.kind !== 'entry') throw new Error(`leaf ${entry.log_index} is ${leaf.kind}`)
    const commitment = await entryCommitment(
      backend,
      new Uint8Array(entry.opening),
      new Uint8Array(entry.entry),
    )
    expect(Buffer.from(commitment).equals(leaf.commitment)).toBe(true)
  }

  // What was answered is there; heads are those of the newest entries.
  const stored = new Map(
    entries.map((entry) => [
      `${entry.username} ${entry.sequence}`,
      `${entry.log_index} ${Buffer.from(entry.entry_hash).toString('base64url')}`,
    ]),
  )
  for (const [name, value] of known.entries) expect(stored.get(name)).toBe(value)
  for (const user of await state.db
    .selectFrom('directory_users')
    .selectAll()
    .where('application_id', '=', APP)
    .execute()) {
    const hash = Buffer.from(user.head).toString('base64url')
    expect(stored.get(`${user.username} ${user.sequence}`)).toMatch(new RegExp(` ${hash}$`))
    expect(stored.has(`${user.username} ${user.sequence + 1}`)).toBe(false)
  }
  const { service } = await directories.open(APP)
  const last = entries.at(-1)
  if (last !== undefined) await service.user(last.username)

  // Anchor and files have caught up, also with an answer that was cut off.
  const [anchored] = [...state.anchor.logs()]
  expect(anchored?.size).toBe(head.size)
  expect(Buffer.from(anchored!.root).equals(head.root)).toBe(true)
  const inFiles: Uint8Array[] = []
  for await (const bundle of readLogFiles(state.config.directory.logDir, APP, head.origin))
    inFiles.push(...bundle)
  expect(inFiles.length).toBe(leaves.length)
  expect(Buffer.concat(inFiles).equals(Buffer.concat(leaves))).toBe(true)
  expect(await state.audit.verify()).toMatchObject({ valid: true })
  await directories.close()
}
