import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { openVaultWorld, type VaultWorld } from './kit/identity-vault.ts'

// A service of the identity system with a token that allows it less than it tries.

const ALICE = '5283940617'

describe.each(['mosip', 'keyhaven'] as const)('a credential for an IDA, %s', (profile) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await openVaultWorld(ENGINES[0]!, profile)
    await world.issuer.vault.createPool('test')
  })
  afterAll(() => world.dispose())

  test('holds nothing that the IDA could read without the person, whatever type is ordered', async () => {
    for (const credentialType of ['print', 'credential', 'AUTH']) {
      await expect(world.issue(ALICE, { credentialType })).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
    }
    expect(world.shares.size).toBe(0)
    await world.issue(ALICE)
    expect(world.shares.size).toBe(1)
  })
})
