import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createHistoryStore, MAX_HISTORY_BATCHES, MAX_HISTORY_CHARS } from '../src/messaging/history-store.ts'
import { createMailboxStore, MAX_WAITING_MESSAGES } from '../src/messaging/mailbox-store.ts'
import type { State } from '../src/platform/state/state.ts'

const APP = 'app'
const ROWS_PER_INSERT = 500

describe.each(ENGINES)('at the limits of one user on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    const row = { application_id: APP, chain: 0, sequence: 0, head: new Uint8Array(32), sign_up: 'token' }
    await state.db
      .insertInto('directory_users')
      .values(['ann', 'ben'].map((username) => ({ ...row, username, created_at: 0, changed_at: 0 })))
      .execute()
  })
  afterEach(() => fixture.dispose())

  /** Numbers from 2 on, in pieces that one statement takes. */
  function* numbers(last: number): Generator<number[]> {
    for (let from = 2; from <= last; from += ROWS_PER_INSERT) {
      yield Array.from({ length: Math.min(ROWS_PER_INSERT, last - from + 1) }, (_, n) => from + n)
    }
  }

  test('the last message finds room, the next one does not, until the oldest is gone', async () => {
    const store = createMailboxStore(state)
    const add = () => store.add(APP, { from: { username: 'ben', device: 'd' }, to: 'ben', envelope: 'x' })
    const { id: message_id } = await add()
    for (const cursors of numbers(MAX_WAITING_MESSAGES - 1)) {
      const row = { application_id: APP, username: 'ben', message_id, received_at: Date.now() }
      await state.db
        .insertInto('mailbox_deliveries')
        .values(cursors.map((cursor) => ({ ...row, cursor })))
        .execute()
    }
    await state.db
      .updateTable('mailbox_heads')
      .set({ cursor: MAX_WAITING_MESSAGES - 1 })
      .execute()
    await add()
    await expect(add()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await state.db.deleteFrom('mailbox_deliveries').where('cursor', '=', 1).execute()
    await add()
  })

  test('a history takes so many batches, and of another user as many again', async () => {
    const store = createHistoryStore(state)
    const add = (username: string) =>
      store.add(APP, username, { recipient: 'backup', batch: 'x', device: 'd' })
    await add('ann')
    for (const cursors of numbers(MAX_HISTORY_BATCHES - 1)) {
      const row = { application_id: APP, username: 'ann', recipient: 'backup', batch: 'x', characters: 1 }
      await state.db
        .insertInto('history_batches')
        .values(cursors.map((cursor) => ({ ...row, cursor, from_device: 'd', received_at: 0 })))
        .execute()
    }
    expect(await add('ann')).toBe(MAX_HISTORY_BATCHES)
    await expect(add('ann')).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
    expect(await add('ben')).toBe(1)
  })

  test('a history takes so many characters', async () => {
    const store = createHistoryStore(state)
    const add = (batch: string) => store.add(APP, 'ann', { recipient: 'backup', batch, device: 'd' })
    await add('x')
    await state.db
      .updateTable('history_batches')
      .set({ characters: MAX_HISTORY_CHARS - 2 })
      .execute()
    await expect(add('abc')).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
    expect(await add('ab')).toBe(2)
    await expect(add('a')).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
  })
})
