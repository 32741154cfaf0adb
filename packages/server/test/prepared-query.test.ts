import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { prepareQuery } from '../src/platform/database/prepared-query.ts'
import type { State } from '../src/platform/state/state.ts'

describe.each(ENGINES)('prepared queries on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeAll(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open()
    for (const modulo of [7, 8]) {
      await state.db
        .insertInto('ida_id_salts')
        .values({ application_id: 'demo', modulo, salt: `salt ${modulo}` })
        .execute()
    }
  })
  afterAll(() => fixture.dispose())

  const prepare = () => {
    const built: object[] = []
    const salts = prepareQuery((db, { above, modulo }: { above: number; modulo: number }) => {
      built.push({})
      return db
        .selectFrom('ida_id_salts')
        .select('salt')
        .where('modulo', '<=', modulo)
        .where('application_id', '=', 'demo')
        .where('modulo', '>', above)
        .orderBy('modulo')
    })
    return { salts, built }
  }

  test('answers each call with its own values, whatever their order, and is built once', async () => {
    const { salts, built } = prepare()
    expect(await salts(state.db, { modulo: 7, above: 0 })).toEqual([{ salt: 'salt 7' }])
    expect(await salts(state.db, { above: 7, modulo: 9 })).toEqual([{ salt: 'salt 8' }])
    expect(await salts(state.db, { above: 8, modulo: 9 })).toEqual([])
    const both = [salts(state.db, { above: 0, modulo: 9 }), salts(state.db, { above: 7, modulo: 9 })]
    expect((await Promise.all(both)).map((rows) => rows.length)).toEqual([2, 1])
    expect(built).toHaveLength(1)
  })

  test('sees what its transaction has written', async () => {
    const { salts } = prepare()
    await state.db.transaction().execute(async (db) => {
      await db
        .insertInto('ida_id_salts')
        .values({ application_id: 'demo', modulo: 99, salt: 'new' })
        .execute()
      expect(await salts(db, { above: 90, modulo: 99 })).toEqual([{ salt: 'new' }])
    })
  })
})
