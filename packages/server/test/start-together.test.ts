import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const PROCESSES = 6

describe.each(ENGINES)('processes that start together on $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  test('make one database, one master key and one anchor, and use them at once', async () => {
    const keys = await Promise.all(
      Array.from({ length: PROCESSES }, async (_, n) => {
        const state = await fixture.open({ schedule: false })
        return state.keys.addE2eKey({ applicationId: `app-${n}`, suite: FAST }, BY)
      }),
    )
    const state = await fixture.open({ schedule: false })
    for (const key of keys) {
      expect(await state.keyCache.find(key.applicationId, key.keyId)).toMatchObject({ privateKey: {} })
    }
    expect(await state.audit.verify()).toMatchObject({ valid: true, entries: 2 * PROCESSES })
    expect(state.anchor.head()?.auditHead.sequence).toBe(2 * PROCESSES)
  })

  test('one that starts while another changes keys does not take it for a rollback', async () => {
    const writer = await fixture.open({ schedule: false })
    let writing = true
    const written = (async () => {
      for (let n = 0; writing; n++)
        await writer.keys.addE2eKey({ applicationId: `app-${n}`, suite: FAST }, BY)
    })()
    for (let n = 0; n < PROCESSES; n++) await (await fixture.open({ schedule: false })).close()
    writing = false
    await written
  })
})
