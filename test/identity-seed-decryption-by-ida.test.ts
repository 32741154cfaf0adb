import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeCredentialEvent, keyName } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import { APPLICATION, IDA_PARTNER, openVaultWorld, personOf, type VaultWorld } from './kit/identity-vault.ts'

// "Decryption by IDA", the seed's five steps, in both profiles.

const UIN = '7193064825'
const VID = '6294051738261049'
const PROFILES = ['mosip', 'keyhaven'] as const
const CASES = ENGINES.flatMap((engine) => PROFILES.map((profile) => ({ name: engine.name, engine, profile })))

describe.each(CASES)('decryption by IDA, profile $profile, on $name', ({ engine, profile }) => {
  let world: VaultWorld
  let issued: Awaited<ReturnType<VaultWorld['issue']>>
  const isMosip = profile === 'mosip'
  const request = async () => (isMosip ? undefined : world.partnerRequest())
  const event = () => decodeCredentialEvent(JSON.parse(new TextDecoder().decode(issued.event.body)))

  beforeAll(async () => {
    world = await openVaultWorld(engine, profile)
    await world.issuer.vault.createPool('test')
    issued = await world.issue(UIN)
  })
  afterAll(() => world.dispose())

  const stored = () =>
    world.ida.db
      .selectFrom(`ida_pool_keys_${profile}` as 'ida_pool_keys_mosip')
      .selectAll()
      .where('application_id', '=', APPLICATION)
      .execute()

  test('1. Generate master symmetric encryption key K18', async () => {
    const [k18, k9] = await Promise.all([
      world.keys.ida.masterKey(keyName('IDA', 'IDENTITY_CACHE')),
      world.keys.main.masterKey(keyName('KERNEL', 'IDENTITY_CACHE')),
    ])
    const key = Buffer.alloc(32, 1)
    expect(Buffer.from(await k18.wrapEcb(key))).not.toEqual(Buffer.from(await k9.wrapEcb(key)))
    expect(await stored()).toEqual([])
  })

  test('2. Decrypt data using PK8', async () => {
    const payload = JSON.parse(new TextDecoder().decode(await world.openShare(issued.share)))
    expect(payload.issuedTo).toBe(IDA_PARTNER)
    const cut = issued.share.slice(0, -4)
    await expect(world.idaVault.importCredential(issued.event, cut)).rejects.toThrow(
      expect.objectContaining({ code: 'OPEN_FAILED' }),
    )
  })

  test('3. Decrypt ZKn-IDA with K22 to get ZKn', async () => {
    expect(await world.idaVault.importCredential(issued.event, issued.share)).toBe('imported')
    expect(await world.idaVault.importCredential(issued.event, issued.share)).toBe('known')
  })

  test('4. Encrypt ZKn with K18 and store it at a random index', async () => {
    const indexes = [event().demographics!.index, event().biometrics!.index]
    const rows = await stored()
    expect(rows.map((row) => row.key_index).sort()).toEqual([...new Set(indexes)].sort())
    const atIssuer = await world.main.db
      .selectFrom(`identity_pool_keys_${profile}` as 'identity_pool_keys_mosip')
      .selectAll()
      .where('key_index', 'in', indexes)
      .execute()
    for (const row of rows) {
      const same = atIssuer.find((key) => key.key_index === row.key_index)!
      expect(row.key_check).toBe(same.key_check)
      expect(row.wrapped).not.toBe(same.wrapped)
    }
  })

  test('5. Bio-data is stored as is', async () => {
    const payload = JSON.parse(new TextDecoder().decode(await world.openShare(issued.share)))
    const rows = await world.ida.db
      .selectFrom(`ida_attributes_${profile}` as 'ida_attributes_mosip')
      .selectAll()
      .execute()
    const values = Object.fromEntries(rows.map(({ name, value }) => [name, value]))
    expect(values).toEqual(payload.credentialSubject)
    expect(values.Face).toBeDefined()
  })

  test('then only what is asked for is opened, by the number and by nothing else', async () => {
    const { identity } = personOf(UIN)
    const opened = await world.idaVault.openAttributes(UIN, ['fullName', 'Face', 'nothing'], await request())
    expect([...opened.keys()].sort()).toEqual(['Face', 'fullName'])
    expect(JSON.parse(opened.get('fullName')!)).toEqual(identity.fullName)
    expect(opened.get('Face')).toContain('<Type>Face</Type>')
    expect(await world.idaVault.find('7193064826', await request())).toBeUndefined()
  })

  test('a VID is a person of its own, and ends by date and by use', async () => {
    await world.enrol(VID, { idType: 'VID', transactionLimit: 2, expiresAt: world.now() + 60_000 })
    const uses = await Promise.all(
      Array.from({ length: 6 }, async () => (await world.idaVault.find(VID, await request()))!.use()),
    )
    expect(uses.filter(Boolean)).toHaveLength(2)
    world.advance(1)
    await world.enrol(VID, { idType: 'VID', expiresAt: world.now() + 60_000 })
    expect(await (await world.idaVault.find(VID, await request()))!.use()).toBe(true)
    world.advance(60_000)
    expect(await (await world.idaVault.find(VID, await request()))!.use()).toBe(false)
  })

  test('a person is deactivated, activated and removed by events of the issuer alone', async () => {
    const announce = async (topic: 'ACTIVATE_ID' | 'DEACTIVATE_ID' | 'REMOVE_ID') => {
      world.advance(1_000)
      await world.credentials.announce({
        topic,
        id: UIN,
        partner: IDA_PARTNER,
        requestId: `status-${world.now()}`,
      })
      return world.lastEvent()
    }
    const use = async () => (await world.idaVault.find(UIN, await request()))?.use()
    const off = await announce('DEACTIVATE_ID')
    await expect(world.idaVault.applyStatus({ ...off, signature: issued.event.signature })).rejects.toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
    expect(await use()).toBe(true)
    expect(await world.idaVault.applyStatus(off)).toBe(true)
    expect(await use()).toBe(false)
    const on = await announce('ACTIVATE_ID')
    expect(await world.idaVault.applyStatus(on)).toBe(true)
    expect(await world.idaVault.applyStatus(off)).toBe(false) // delivered again, late
    expect(await use()).toBe(true)
    expect(await world.idaVault.applyStatus(await announce('REMOVE_ID'))).toBe(true)
    expect(await use()).toBeUndefined()
    expect(await world.idaVault.importCredential(issued.event, issued.share)).toBe('known')
    expect(await use()).toBeUndefined()
  })
})
