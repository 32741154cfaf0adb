import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { auditHash, canonicalDetail } from '../src/platform/audit/audit-hash.ts'
import type { AuditRecord } from '../src/platform/audit/audit-log.ts'
import type { State } from '../src/platform/state/state.ts'

describe.each(ENGINES)('the audit log on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let now = 1_800_000_000_000

  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false, clock: () => now })
  })
  afterEach(() => fixture.dispose())

  const write = (...records: AuditRecord[]) =>
    state.transaction(async (transaction) => {
      for (const record of records) state.audit.append(transaction, record)
    })
  const fill = async (count: number) => {
    for (let n = 1; n <= count; n++) {
      now += 1_000
      await write({
        actor: n % 2 === 0 ? 'token:even' : 'token:odd',
        action: n % 3 === 0 ? 'key.add' : 'token.create',
        applicationId: n % 5 === 0 ? 'five' : 'demo',
        subject: `subject-${n}`,
        detail: { n, text: 'größer ✓', nested: { b: [1, null, true], a: 'x' } },
      })
    }
  }

  test('an unbroken chain verifies, and says how far it is', async () => {
    await fill(7)
    const progress: number[] = []
    const verdict = await state.audit.verify({ onProgress: (done) => progress.push(done) })
    const last = (await state.audit.list({}, { limit: 1 })).items[0]
    expect(verdict).toEqual({ valid: true, entries: 7, head: { sequence: 7, hash: last?.hash } })
    expect(progress.at(-1)).toBe(7)
  })

  test('an empty log verifies', async () => {
    expect(await state.audit.verify()).toMatchObject({ valid: true, entries: 0, head: { sequence: 0 } })
  })

  test.each([
    ['actor', "'token:someone'"],
    ['action', "'key.revoke'"],
    ['application_id', "'other'"],
    ['subject', "'subject-9'"],
    ['detail', "'{}'"],
    ['at', 'at + 1'],
    ['hash', 'cast(actor as bytea)'],
  ])('a changed %s is found', async (column, value) => {
    await fill(5)
    const expression =
      engine.dialect === 'sqlite'
        ? value.replace('bytea', 'blob')
        : value.replace('actor as bytea', "'x' as bytea")
    await sql`update audit_entries set ${sql.ref(column)} = ${sql.raw(expression)} where sequence = 3`.execute(
      state.db,
    )
    expect(await state.audit.verify()).toMatchObject({ valid: false, brokenAt: 3 })
  })

  test('an entry that was taken out is found, at the front, inside and at the end', async () => {
    for (const [sequence, brokenAt] of [
      [1, 1],
      [3, 3],
      [5, 5],
    ] as const) {
      await state.db.deleteFrom('audit_entries').execute()
      await state.db
        .updateTable('state_head')
        .set({ audit_sequence: 0, audit_hash: new Uint8Array(32) })
        .execute()
      await fill(5)
      await state.db.deleteFrom('audit_entries').where('sequence', '=', sequence).execute()
      expect(await state.audit.verify()).toMatchObject({ valid: false, brokenAt })
    }
  })

  test('a chain that was computed anew without the head is found', async () => {
    await fill(4)
    const rows = await state.db.selectFrom('audit_entries').selectAll().orderBy('sequence').execute()
    let hash: Uint8Array = new Uint8Array(32)
    for (const row of rows) {
      const forged = { ...row, actor: 'token:forged' }
      hash = auditHash(hash, forged)
      await state.db
        .updateTable('audit_entries')
        .set({ actor: forged.actor, hash })
        .where('sequence', '=', row.sequence)
        .execute()
    }
    expect(await state.audit.verify()).toMatchObject({ valid: false, brokenAt: 4 })
  })

  test('filters and pages, newest first', async () => {
    await fill(31)
    const numbers = (items: readonly { detail: object }[]) =>
      items.map((item) => (item.detail as { n: number }).n)
    const first = await state.audit.list({ action: 'key.add', actor: 'token:odd' }, { limit: 2 })
    expect(numbers(first.items)).toEqual([27, 21])
    const second = await state.audit.list(
      { action: 'key.add', actor: 'token:odd' },
      { limit: 2, cursor: first.nextCursor ?? '' },
    )
    expect(numbers(second.items)).toEqual([15, 9])
    const last = await state.audit.list(
      { action: 'key.add', actor: 'token:odd' },
      { limit: 2, cursor: second.nextCursor ?? '' },
    )
    expect(numbers(last.items)).toEqual([3])
    expect(last.nextCursor).toBeNull()
    expect(numbers((await state.audit.list({ applicationId: 'five' })).items)).toEqual([
      30, 25, 20, 15, 10, 5,
    ])
    const at = (n: number) => now - (31 - n) * 1_000
    expect(numbers((await state.audit.list({ from: at(10), to: at(13) })).items)).toEqual([12, 11, 10])
    expect(await state.audit.list({ from: now + 1 })).toEqual({ items: [], nextCursor: null })
    expect(await state.audit.actions()).toEqual(['key.add', 'token.create'])
  })

  test('an entry comes back as it was written', async () => {
    await fill(1)
    const { items } = await state.audit.list({})
    expect(items[0]).toMatchObject({
      sequence: 1,
      at: now,
      actor: 'token:odd',
      action: 'token.create',
      applicationId: 'demo',
      subject: 'subject-1',
      detail: { n: 1, text: 'größer ✓', nested: { a: 'x', b: [1, null, true] } },
    })
    await write({ actor: 'system', action: 'state.recover' })
    expect((await state.audit.list({}, { limit: 1 })).items[0]).toMatchObject({
      applicationId: null,
      subject: null,
      detail: {},
    })
  })

  test('times never go back, though the clock does', async () => {
    await fill(1)
    const before = now
    now -= 60_000
    await write({ actor: 'system', action: 'key.add' })
    expect((await state.audit.list({}, { limit: 1 })).items[0]?.at).toBe(before)
    now = before
  })

  test('many writers in several processes make one chain', async () => {
    const other = await fixture.open({ schedule: false })
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => {
        const writer = n % 2 === 0 ? state : other
        return writer.transaction(async (transaction) => {
          writer.audit.append(transaction, { actor: 'system', action: 'key.add', detail: { n } })
        })
      }),
    )
    expect(await state.audit.verify()).toMatchObject({ valid: true, entries: 60 })
  })

  test('what the transaction takes back is in no entry', async () => {
    await expect(
      state.transaction(async (transaction) => {
        state.audit.append(transaction, { actor: 'system', action: 'key.add' })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await state.audit.verify()).toMatchObject({ valid: true, entries: 0 })
  })

  test('oversized and impossible input is refused', async () => {
    const code = 'INPUT_INVALID'
    await expect(write({ actor: 'x'.repeat(513), action: 'a' })).rejects.toMatchObject({ code })
    await expect(write({ actor: 'a\0b', action: 'a' })).rejects.toMatchObject({ code })
    await expect(
      write({ actor: 'a', action: 'a', detail: { text: 'x'.repeat(16_385) } }),
    ).rejects.toMatchObject({ code })
    await expect(state.audit.list({}, { cursor: '1; drop table' })).rejects.toMatchObject({ code })
    await expect(state.audit.list({}, { limit: 501 })).rejects.toMatchObject({ code })
    await expect(state.audit.list({}, { limit: 0 })).rejects.toMatchObject({ code })
  })

  test('verification can be stopped', async () => {
    await fill(2)
    await expect(state.audit.verify({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })
})

describe('the encoding of an entry', () => {
  const entry = {
    sequence: 1,
    at: 2,
    actor: 'a',
    action: 'b',
    application_id: 'c',
    subject: 'd',
    detail: '{}',
  }
  const hash = (change: object) =>
    Buffer.from(auditHash(new Uint8Array(32), { ...entry, ...change })).toString('hex')

  test('moving a character between fields changes the hash', () => {
    expect(hash({ actor: 'ab', action: '' })).not.toBe(hash({ actor: 'a', action: 'b' }))
    expect(hash({ actor: '', action: 'ab' })).not.toBe(hash({}))
  })

  test('is fixed: logs written today verify for ever', () => {
    expect(hash({})).toBe('7b6f29b469d07ae27cc9a4dad6e4d8b50471295d9f88a85d39b25c630d1f774e')
  })

  test('details are canonical', () => {
    expect(canonicalDetail({ b: 1, a: { d: [], c: null } })).toBe('{"a":{"c":null,"d":[]},"b":1}')
    expect(canonicalDetail({ a: undefined } as never)).toBe('{}')
  })
})
