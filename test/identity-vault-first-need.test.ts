import { keyName } from '@keyhaven/identity'
import { describe, expect, test } from 'vitest'
import { backend } from '../packages/crypto/src/node/index.ts'
import { createPool } from '../packages/identity/src/service/vault/pool.ts'
import { createPoolStore } from '../packages/server/src/identity/vault/pool-store.ts'
import { ENGINES } from './kit/engines.ts'
import { APPLICATION, openVaultWorld } from './kit/identity-vault.ts'

const CASES = ENGINES.flatMap((engine) =>
  (['mosip', 'keyhaven'] as const).map((profile) => ({ name: engine.name, engine, profile })),
)

describe.each(CASES)('the pool on first need, profile $profile, on $name', ({ engine, profile }) => {
  test('the first credentials make it, once, though several ask and two processes race', async () => {
    const world = await openVaultWorld(engine, profile)
    try {
      const pool = () =>
        createPool({
          ...{ backend, application: APPLICATION },
          store: createPoolStore(world.main, { applicationId: APPLICATION, owner: 'identity', profile }),
          masterKey: () => world.keys.main.masterKey(keyName('KERNEL', 'IDENTITY_CACHE')),
        })
      const [one, other] = [pool(), pool()]
      expect(await Promise.all([one.newest(), other.newest(), one.newest(), other.newest()])).toEqual([
        0, 0, 0, 0,
      ])
      expect(await world.issuer.vault.status()).toMatchObject({
        generations: [{ generation: 0, keys: 10_000 }],
        openConflicts: 0,
      })
      const made = await world.main.audit.list({ action: 'vault.pool.create' })
      expect(made.items.map(({ actor, detail }) => [actor, detail])).toEqual([
        ['system', { generation: 0, keys: 10_000 }],
      ])
      await world.issuer.vault.rotatePool('test')
      expect(await other.newest()).toBe(1)
      await expect(world.issuer.vault.createPool('test')).rejects.toMatchObject({ code: 'CONFLICT' })
    } finally {
      await world.dispose()
    }
  })

  if (engine.dialect === 'postgres') return

  test('whoever is issued a credential without one is at the IDA afterwards', async () => {
    const world = await openVaultWorld(engine, profile)
    try {
      await world.enrol('7193064825')
      expect(await world.idaVault.status()).toMatchObject({ records: 1, openConflicts: 0 })
      expect((await world.issuer.vault.status()).generations).toMatchObject([{ generation: 0, keys: 10_000 }])
    } finally {
      await world.dispose()
    }
  })
})
