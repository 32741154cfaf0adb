import { describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { inspect } from '../src/maintenance/inspect.ts'

describe.each(ENGINES)('an empty database on $name', (engine) => {
  test('is migrated once by two that open it at the same time', async () => {
    const fixture = await createStateFixture(engine, {}, { migrated: false })
    try {
      const states = await Promise.all([fixture.open(), fixture.open()])
      const heads = await Promise.all(
        states.map(({ db }) => db.selectFrom('state_head').select('installation').execute()),
      )
      expect(heads[0]).toHaveLength(1)
      expect(heads[1]).toEqual(heads[0])
      const findings = await inspect(fixture.config)
      expect(findings.find(({ part }) => part === 'schema')).toMatchObject({ state: 'good' })
    } finally {
      await fixture.dispose()
    }
  })
})
