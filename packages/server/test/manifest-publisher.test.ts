import { decodeDelegation, verifyManifest } from '@keyhaven/channel'
import { backend } from '@keyhaven/crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createApplicationService } from '../src/applications/application-service.ts'
import { createManifestPublisher } from '../src/channel/manifest-publisher.ts'

const LIFETIME_SECONDS = 3_600
const THUMBPRINT = 'A'.repeat(43)
const MS_PER_DAY = 86_400_000

describe.each(ENGINES)('manifests on $name', (engine) => {
  let fixture: StateFixture | undefined
  afterEach(() => fixture?.dispose())

  async function open() {
    fixture = await createStateFixture(engine)
    const clock = { now: Date.now() }
    const state = await fixture.open({ clock: () => clock.now, schedule: false })
    const applications = createApplicationService(state)
    const suite = { kem: 'x25519', aead: 'aes-256-gcm' } as const
    const { trust } = await applications.create({ id: 'app', suite }, 'test')
    const publisher = createManifestPublisher(state, LIFETIME_SECONDS, () => clock.now)
    const read = async (from = publisher) =>
      verifyManifest(backend, await from.current('app'), {
        application: 'app',
        rootThumbprints: trust.rootThumbprints,
        now: Math.floor(clock.now / 1_000),
      })
    return { clock, state, publisher, read, suite }
  }

  test('the same for a quarter of its life, then a new one', async () => {
    const { clock, publisher, read } = await open()
    const jws = await publisher.current('app')
    const first = await read()
    expect(first.expires - first.issued).toBe(LIFETIME_SECONDS)
    clock.now += (LIFETIME_SECONDS * 1_000) / 4 - 2_000
    expect(await publisher.current('app')).toBe(jws)
    clock.now += 4_000
    const second = await read()
    expect([second.epoch, second.sequence]).toEqual([first.epoch, first.sequence + 1])
    expect(second.expires).toBeGreaterThan(first.expires)
  })

  test('the same from every process, however many ask at once', async () => {
    const { state, publisher } = await open()
    const other = createManifestPublisher(state, LIFETIME_SECONDS, Date.now)
    const asked = await Promise.all([
      ...Array.from({ length: 10 }, () => publisher.current('app')),
      ...Array.from({ length: 10 }, () => other.current('app')),
    ])
    const again = await Promise.all([publisher.current('app'), other.current('app')])
    expect(new Set(asked).size).toBeLessThanOrEqual(2)
    expect(again[0]).toBe(again[1])
  })

  test('a changed key shows at once; a revoked one is gone', async () => {
    const { clock, state, read, suite } = await open()
    const first = await read()
    await state.keys.addE2eKey({ applicationId: 'app', suite }, { actor: 'test' })
    expect((await read()).keys).toHaveLength(1)
    clock.now += 5_000
    await state.keys.tick()
    const rotated = await read()
    expect(rotated.keys.map((key) => key.state)).toEqual(['active', 'retiring'])
    expect(rotated.keys[1]!.id).toBe(first.keys[0]!.id)
    await state.keys.revoke('app', String(first.keys[0]!.id), { reason: 'test' }, { actor: 'test' })
    const after = await read()
    expect(after.keys.map((key) => key.id)).toEqual([rotated.keys[0]!.id])
    expect(after.sequence).toBeGreaterThan(rotated.sequence)
  })

  test('the online root delegates anew in time, and for a raised epoch', async () => {
    const { clock, state, publisher, read } = await open()
    const delegationOf = async () => {
      const header = JSON.parse(
        Buffer.from((await publisher.current('app')).split('.')[0]!, 'base64url').toString(),
      )
      return decodeDelegation(header.delegation).delegation
    }
    const first = await delegationOf()
    expect(first.expires - first.issued).toBe(90 * 86_400)
    clock.now += 44 * MS_PER_DAY
    await read()
    expect((await delegationOf()).issued).toBe(first.issued)
    clock.now += 2 * MS_PER_DAY
    await read()
    expect((await delegationOf()).issued).toBeGreaterThan(first.issued)

    const before = await read()
    await state.transaction(async (transaction) => {
      await state.manifests.raiseEpoch('app', transaction)
      transaction.changed('app')
    })
    const after = await read()
    expect(after.epoch).toBe(before.epoch + 1)
    expect((await delegationOf()).epoch).toBe(after.epoch)
  })

  test('what cannot be published opens no transaction, however often anybody asks', async () => {
    const { state, suite } = await open()
    const applications = createApplicationService(state)
    await applications.create({ id: 'offline', suite, rootThumbprints: [THUMBPRINT] }, 'test')
    await applications.create({ id: 'keyless', suite }, 'test')
    const [key] = await state.keys.listE2eKeys('keyless')
    await state.keys.revoke('keyless', key!.id, { reason: 'test', force: true }, { actor: 'test' })
    for (const purpose of ['manifest-signing', 'root-signing'] as const) {
      await applications.create({ id: purpose, suite }, 'test')
      for (const { id } of await state.keys.list(purpose, purpose)) {
        await state.keys.revokeSigningKey(purpose, id, 'test', { actor: 'test' })
      }
    }
    const refuse = () => Promise.reject(new Error('a transaction'))
    const publisher = createManifestPublisher({ ...state, transaction: refuse }, LIFETIME_SECONDS, Date.now)
    for (let i = 0; i < 3; i++) {
      await expect(publisher.current('offline')).rejects.toMatchObject({ code: 'MANIFEST_EXPIRED' })
      await expect(publisher.current('keyless')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
      await expect(publisher.current('manifest-signing')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
      await expect(publisher.current('root-signing')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
      await expect(publisher.current('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    await expect(publisher.current('app')).rejects.toThrow('a transaction')
    publisher.close()
  })

  test('an application without an active key has none, and says so', async () => {
    const { state, publisher } = await open()
    const [key] = await state.keys.listE2eKeys('app')
    await state.keys.revoke('app', key!.id, { reason: 'test', force: true }, { actor: 'test' })
    await expect(publisher.current('app')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    await expect(publisher.current('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
