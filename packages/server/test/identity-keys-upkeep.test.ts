import { join } from 'node:path'
import { backend, utf8 } from '@keyhaven/crypto'
import { IDENTITY_CACHE, keyName, openHybrid, PROFILES, type Profile, sealLayoutC } from '@keyhaven/identity'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { useTestKeys } from '../../identity/test/kit/use-test-keys.ts'
import { createIdentityKeys } from '../src/identity/keys/create-identity-keys.ts'
import { backup } from '../src/maintenance/backup.ts'
import { restore as restoreBackup } from '../src/maintenance/restore.ts'
import { rewrap } from '../src/maintenance/rewrap.ts'
import type { State } from '../src/platform/state/state.ts'

const UIN_KEY = keyName('ID_REPO', 'uin')
const PLAINTEXT = utf8('a made-up identity')
const OPTIONS = { actor: 'cli:local' }

let stopUsing: () => void
beforeAll(() => {
  stopUsing = useTestKeys()
})
afterAll(() => stopUsing())

describe.each(ENGINES)('the upkeep of identity keys on $name', (engine) => {
  let fixture: StateFixture
  let sealed: Record<Profile, { readonly data: Uint8Array; readonly pool: Uint8Array }>
  const keysOf = (state: State, profile: Profile) =>
    createIdentityKeys({ state, applicationId: 'demo', profile, role: 'main', clock: Date.now })

  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    const state = await fixture.open({ schedule: false })
    const made = PROFILES.map(async (profile) => {
      const keys = keysOf(state, profile)
      const data = await sealLayoutC(backend, await keys.recipient(UIN_KEY), PLAINTEXT)
      const pool = await (await keys.masterKey(IDENTITY_CACHE.main)).wrapEcb(new Uint8Array(32).fill(1))
      return [profile, { data, pool }]
    })
    sealed = Object.fromEntries(await Promise.all(made))
  })
  afterEach(() => fixture.dispose())

  const expectAllOpens = async (state: State) => {
    for (const profile of PROFILES) {
      const keys = keysOf(state, profile)
      const { data, pool } = sealed[profile]
      expect(await openHybrid(backend, keys.opener(UIN_KEY), data)).toEqual(PLAINTEXT)
      const master = await keys.masterKey(IDENTITY_CACHE.main)
      expect(await master.unwrapEcb(pool)).toEqual(new Uint8Array(32).fill(1))
    }
  }

  test('module and master keys move to a new master key, and everything opens', async () => {
    const summary = await rewrap(fixture.config, OPTIONS)
    // Root, module and master key in each profile.
    expect(summary).toMatchObject({ moved: 6, resumed: false })
    const state = await fixture.open({ schedule: false })
    for (const profile of PROFILES) {
      const rows = await state.db
        .selectFrom(`identity_module_keys_${profile}`)
        .select('master_key_id')
        .distinct()
        .execute()
      expect(rows.map((row) => row.master_key_id)).toEqual([summary.masterKeyId])
    }
    await expectAllOpens(state)
  })

  test('a module key put in another’s place does not unwrap', async () => {
    const state = await fixture.open({ schedule: false })
    const table = 'identity_module_keys_mosip'
    const { wrapped_key } = await state.db
      .selectFrom(table)
      .select('wrapped_key')
      .where('app_id', '=', 'ID_REPO')
      .executeTakeFirstOrThrow()
    await state.db.updateTable(table).set({ wrapped_key }).where('app_id', '=', 'ROOT').execute()
    await expect(keysOf(state, 'mosip').certificate(UIN_KEY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  test('a backup brings them back', async () => {
    const file = join(fixture.folder, 'identity.backup')
    await backup(fixture.config, { file })
    const fresh = await createStateFixture(engine, { KEYHAVEN_MASTER_KEY_FILE: fixture.config.masterKeyFile })
    try {
      await restoreBackup(fresh.config, { file, ...OPTIONS })
      await expectAllOpens(await fresh.open({ schedule: false }))
    } finally {
      await fresh.dispose()
    }
  })
})
