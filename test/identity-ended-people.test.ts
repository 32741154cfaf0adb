import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CredentialTopic } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import { IDA_PARTNER, openVaultWorld, type VaultWorld } from './kit/identity-vault.ts'

// Somebody's end, and a credential that was being made meanwhile and comes later.

const CASES = [
  { name: 'mosip on SQLite', engine: ENGINES[0]!, profile: 'mosip' as const },
  { name: 'keyhaven on PostgreSQL', engine: ENGINES[1]!, profile: 'keyhaven' as const },
]

describe.each(CASES)('a credential that was made before, and comes after, $name', ({ engine, profile }) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await openVaultWorld(engine, profile)
  })
  afterAll(() => world.dispose())

  const announce = async (topic: Exclude<CredentialTopic, 'CREDENTIAL_ISSUED'>, id: string) => {
    await world.credentials.announce({ topic, id, partner: IDA_PARTNER, requestId: crypto.randomUUID() })
    return world.idaVault.applyStatus(await world.lastEvent())
  }
  const stateOf = async (id: string) => {
    const request = profile === 'mosip' ? undefined : await world.partnerRequest()
    const found = await world.idaVault.find(id, request)
    await found?.close()
    return found?.record.state
  }

  test('the block of a person: the person stays blocked, until it is active again', async () => {
    const id = '5283940617'
    const { event, share } = await world.issue(id)
    world.advance(1_000)
    expect(await announce('DEACTIVATE_ID', id)).toBe(false) // nobody is here yet
    expect(await world.idaVault.status()).toMatchObject({ records: 0 })
    expect(await world.idaVault.importCredential(event, share)).toBe('imported')
    expect(await stateOf(id)).toBe('deactivated')
    world.advance(1_000)
    expect(await announce('ACTIVATE_ID', id)).toBe(true)
    expect(await stateOf(id)).toBe('active')
  })

  test('the end of a VID: it is taken for older, and nobody is here', async () => {
    const id = '7193064825'
    const { event, share } = await world.issue(id)
    world.advance(1_000)
    await announce('REMOVE_ID', id)
    expect(await world.idaVault.importCredential(event, share)).toBe('older')
    expect(await stateOf(id)).toBeUndefined()
  })

  test('nothing is left of a block that ended before any credential came', async () => {
    const id = '3829405167'
    await announce('DEACTIVATE_ID', id)
    world.advance(1_000)
    await announce('ACTIVATE_ID', id)
    expect(await stateOf(id)).toBeUndefined()
    await world.enrol(id)
    expect(await stateOf(id)).toBe('active')
  })
})
