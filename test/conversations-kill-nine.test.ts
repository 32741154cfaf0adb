import { fileURLToPath } from 'node:url'
import { decodeReceipt, membershipItem, verifyCommitment } from '@keyhaven/conversations'
import { backend, utf8 } from '@keyhaven/crypto'
import { auditLog, decodeLeaf } from '@keyhaven/directory/log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fromEntryRow, fromReceiptRow } from '../packages/server/src/conversations/conversation-rows.ts'
import { createConversations } from '../packages/server/src/conversations/conversations.ts'
import { type Directories, openDirectories } from '../packages/server/src/directory/directories.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import { APP } from '../packages/server/test/fixtures/conversation-people.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { killWorkers } from './kit/killed-worker.ts'

/** `npm run soak` asks for more. */
const KILLS = Number(process.env.SOAK_CONVERSATION_KILLS ?? 6)
const MAX_LINES = 40
/** About as long as one change takes. */
const OPERATION_MS = 30
const WORKER = fileURLToPath(new URL('fixtures/change-conversations.ts', import.meta.url))
const TIMEOUT_MS = Math.max(240_000, KILLS * 10_000)

/** What killed workers said they had been answered, each line once. */
interface Acknowledged {
  readonly owners: Map<string, string>
  readonly entries: Set<string>
  readonly keys: Set<string>
  readonly receipts: Set<string>
  readonly removed: Map<string, { username: string; device: string }>
}

describe.each(ENGINES)('kill -9 during releases, rotations and removals on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  test(
    `${KILLS} times: no half of anything, nothing lost, no key for somebody removed`,
    async () => {
      const known: Acknowledged = {
        owners: new Map(),
        entries: new Set(),
        keys: new Set(),
        receipts: new Set(),
        removed: new Map(),
      }
      const cutInside = await killWorkers(fixture, {
        kills: KILLS,
        worker: WORKER,
        maxLines: MAX_LINES,
        operationMs: OPERATION_MS,
        done([kind, ...words]) {
          const [conversation, second, third] = words as [string, string, string]
          if (kind === 'owner') known.owners.set(conversation, second)
          else if (kind === 'entry') known.entries.add(words.join(' '))
          else if (kind === 'key') known.keys.add(words.join(' '))
          else if (kind === 'receipt') known.receipts.add(words.join(' '))
          else known.removed.set(conversation, { username: second, device: third })
        },
        check: (state) => check(state, known),
      })
      expect(known.receipts.size).toBeGreaterThan(KILLS / 2)
      expect(known.removed.size).toBeGreaterThan(0)
      process.stdout.write(
        `kill -9 of conversations on ${engine.name}: ${KILLS} kills, ${cutInside} inside a change, ` +
          `${known.entries.size} acknowledged entries, ${known.keys.size} keys, ${known.receipts.size} ` +
          `receipts, nothing lost\n`,
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
  expect(await state.audit.verify()).toMatchObject({ valid: true })
  const rows = await readRows(state)
  const { entries, keys, receipts } = rows

  // What was answered is there.
  const stored = {
    entries: new Set(
      entries.map(
        (row) => `${row.conversation} ${row.sequence} ${Buffer.from(row.entry_hash).toString('base64url')}`,
      ),
    ),
    keys: new Set(keys.map(({ conversation, id }) => `${conversation} ${id}`)),
    receipts: new Set(
      receipts.map(({ conversation, log_index, receipt }) => {
        const { to, object } = receipt
        return `${conversation} ${object} ${'username' in to ? to.username : ''} ${log_index}`
      }),
    ),
  }
  for (const name of ['entries', 'keys', 'receipts'] as const) {
    expect(known[name].difference(stored[name])).toEqual(new Set())
  }

  // Nothing half: an entry has its key, a chain no gap, the head's row is of the newest.
  for (const row of rows.conversations) {
    const own = entries.filter(({ conversation }) => conversation === row.id)
    expect(own.map(({ sequence }) => sequence)).toEqual(own.map((_, at) => at))
    expect(own.at(-1)).toMatchObject({ sequence: row.sequence, entry_hash: row.head })
    const made = keys.filter(({ conversation }) => conversation === row.id)
    expect(new Set(made.map(({ membership }) => membership))).toEqual(new Set(own.map((_, at) => at)))
    expect(made.find(({ id }) => id === row.current_key)).toMatchObject({ membership: row.sequence })
    const given = receipts.filter(({ conversation }) => conversation === row.id)
    expect(given.map(({ sequence }) => sequence)).toEqual(given.map((_, at) => at))
  }
  expect(new Set(entries.map(({ conversation }) => conversation)).size).toBe(rows.conversations.length)
  for (const key of keys) expect(key.wrapped_key !== null).toBe(key.mode === 'managed')

  // Who was given a key was in when it was made.
  for (const { conversation, receipt } of receipts) {
    const key = keys.find(({ id }) => id === receipt.object)!
    const username = 'username' in receipt.to ? receipt.to.username : ''
    const stays = rows.members.filter((row) => row.conversation === conversation && row.username === username)
    const isIn = stays.some(
      ({ from_sequence, to_sequence }) =>
        from_sequence <= key.membership && (to_sequence === null || key.membership < to_sequence),
    )
    expect(isIn, `${username} got ${key.id}`).toBe(true)
  }
  const released = await state.db
    .selectFrom('audit_entries')
    .select('subject')
    .where('action', '=', 'conversation.release')
    .execute()
  expect(released.map(({ subject }) => subject).sort()).toEqual(
    receipts.map(({ receipt }) => receipt.object).sort(),
  )
  await checkLog(state, directories, rows)

  // It goes on: the owner reads the newest key; who was removed, and is not in again, does not.
  const conversations = createConversations({ state, directories, clock: Date.now })
  const last = rows.conversations.at(-1)
  if (last !== undefined) {
    const service = await conversations.open(APP)
    const owner = entries.find(({ conversation }) => conversation === last.id)!
    const by = { username: owner.username, device: owner.device }
    expect((await service.release(APP, by, last.current_key!)).id).toBe(last.current_key)
    const removed = known.removed.get(last.id)
    const present = rows.members.some(
      ({ conversation, username, to_sequence }) =>
        conversation === last.id && username === removed?.username && to_sequence === null,
    )
    if (removed !== undefined && !present) {
      const asking = service.release(APP, removed, last.current_key!)
      await expect(asking).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    }
  }
  await directories.close()
}

type Rows = Awaited<ReturnType<typeof readRows>>

async function readRows({ db }: State) {
  const receipts = await db
    .selectFrom('conversation_receipts')
    .selectAll()
    .orderBy('conversation')
    .orderBy('sequence')
    .execute()
  return {
    conversations: await db.selectFrom('conversations').selectAll().orderBy('created_at').execute(),
    entries: await db
      .selectFrom('conversation_entries')
      .selectAll()
      .orderBy('conversation')
      .orderBy('sequence')
      .execute(),
    members: await db.selectFrom('conversation_members').selectAll().execute(),
    keys: await db.selectFrom('conversation_keys').selectAll().execute(),
    receipts: receipts.map((row) => ({ ...row, receipt: decodeReceipt(utf8(row.item)) })),
  }
}

/** Each receipt and each entry is in the log, and each commitment of the log is to one of them. */
async function checkLog(state: State, directories: Directories, rows: Rows): Promise<void> {
  const items = [
    ...rows.entries.map((row) => ({
      commitment: fromEntryRow(row).commitment,
      item: membershipItem(row.entry),
    })),
    ...rows.receipts.map((row) => ({ commitment: fromReceiptRow(row).commitment, item: utf8(row.item) })),
  ]
  if (items.length === 0) return
  const { size, root } = await directories.log.head(APP)
  const leaves = await directories.log.leaves(APP, 0, size)
  await auditLog(backend, [leaves], { size, root: new Uint8Array(root) })
  for (const { commitment, item } of items) {
    const proof = await directories.log.inclusionProof(APP, commitment.logIndex, size)
    await verifyCommitment(backend, item, commitment, { size, root: new Uint8Array(root), proof })
  }
  const committed = leaves.flatMap((leaf, at) => (decodeLeaf(leaf).kind === 'commitment' ? [at] : []))
  expect(committed).toEqual(
    [...new Set(items.map(({ commitment }) => commitment.logIndex))].sort((a, b) => a - b),
  )
  const anchored = [...state.anchor.logs()].find(({ applicationId }) => applicationId === APP)
  expect(anchored?.size).toBe(size)
}
