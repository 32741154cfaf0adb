import { createMemoryStorage, decodeDelegation, signDelegation, verifyManifest } from '@keyhaven/channel'
import { backend, decodeJwsHeader, jwkThumbprint } from '@keyhaven/crypto'
import { connect } from '@keyhaven/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { createApplicationService } from '../src/applications/application-service.ts'
import { createManifestPublisher } from '../src/channel/manifest-publisher.ts'
import { switchRoot } from '../src/channel/switch-root.ts'
import { readTrust } from '../src/channel/trust.ts'
import { recover } from '../src/maintenance/recover.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'
import { rememberDatabase } from './fixtures/roll-back.ts'

const LIFETIME_SECONDS = 3_600
const SUITE = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = 'token:test'
type Prints = readonly [string, string]

describe.each(ENGINES)('the spare root on $name', (engine) => {
  let fixture: StateFixture | undefined
  afterEach(() => fixture?.dispose())

  async function open() {
    fixture = await createStateFixture(engine)
    const state = await fixture.open({ schedule: false })
    const { trust } = await createApplicationService(state).create({ id: 'app', suite: SUITE }, 'test')
    return { fixture, state, before: trust.rootThumbprints as Prints }
  }
  const published = (state: State) =>
    createManifestPublisher(state, LIFETIME_SECONDS, Date.now).current('app')
  const verify = async (jws: string, rootThumbprints: readonly string[]) =>
    verifyManifest(backend, jws, { application: 'app', rootThumbprints, now: Math.floor(Date.now() / 1_000) })

  test('takes over: the root is erased, the epoch is new, another spare is made, all of it recorded', async () => {
    const { state, before } = await open()
    const old = await published(state)
    const [oldRoot] = (await state.keys.list('app', 'root-signing')).filter((key) => key.state === 'active')
    const after = await switchRoot(state, 'app', { reason: 'it leaked' }, BY)
    // In the anchor before the answer.
    expect([...state.anchor.revokedKeys()]).toContainEqual({ id: oldRoot!.id, applicationId: 'app' })
    expect([...state.anchor.manifests()]).toContainEqual({ applicationId: 'app', epoch: 2, sequence: 0 })

    expect(after.rootThumbprints).toEqual([before[1], expect.stringMatching(/^[\w-]{43}$/)])
    expect(before).not.toContain(after.rootThumbprints[1])
    expect(after.epoch).toBe(2)
    const keys = await state.keys.list('app', 'root-signing')
    expect(keys.map((key) => [key.state, key.wrappedPrivateKey === undefined])).toEqual([
      ['pending', false],
      ['active', false],
      ['revoked', true],
    ])
    expect(keys[2]!.history.at(-1)).toMatchObject({ state: 'revoked', actor: BY, reason: 'it leaked' })

    const jws = await published(state)
    const { epoch, sequence } = await verify(jws, [before[1]])
    expect([epoch, sequence]).toEqual([2, 1])
    await expect(verify(jws, [before[0]])).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    const { delegation } = decodeJwsHeader(jws) as { delegation: string }
    expect(await jwkThumbprint(backend, decodeDelegation(delegation).rootKey)).toBe(before[1])
    // What the old root signed counts no more for a client that has seen the new epoch.
    const seen = { application: 'app', rootThumbprints: before, newerThan: { epoch, sequence } }
    await expect(
      verifyManifest(backend, old, { ...seen, now: Math.floor(Date.now() / 1_000) }),
    ).rejects.toMatchObject({ code: 'MANIFEST_ROLLED_BACK' })

    const { items } = await state.audit.list({ applicationId: 'app', actor: BY })
    expect(items.map(({ action, actor }) => `${actor} ${action}`).reverse()).toEqual([
      `${BY} key.revoke`,
      `${BY} key.activate`,
      `${BY} key.add`,
      `${BY} root.switch`,
    ])
    expect(items[0]).toMatchObject({
      subject: before[1],
      detail: { reason: 'it leaked', epoch: 2, from: before[0], spare: after.rootThumbprints[1] },
    })
  })

  test('again and again, each time the spare of the time before', async () => {
    const { state } = await open()
    for (let epoch = 2; epoch <= 4; epoch++) {
      const before = await readTrust(state, 'app')
      const after = await switchRoot(state, 'app', { reason: 'again' }, BY)
      expect([after.rootThumbprints[0], after.epoch]).toEqual([before.rootThumbprints[1], epoch])
      expect((await verify(await published(state), [before.rootThumbprints[1]!])).epoch).toBe(epoch)
    }
  })

  test('a spare that an older server made, as a key that retires, takes over like any other', async () => {
    const { state, before } = await open()
    const change = state.db.updateTable('managed_keys').set({ state: 'retiring' })
    await change.where('purpose', '=', 'root-signing').where('state', '=', 'pending').execute()
    await switchRoot(state, 'app', { reason: 'it leaked' }, BY)
    expect((await verify(await published(state), [before[1]])).epoch).toBe(2)
    const { rootThumbprints } = await switchRoot(state, 'app', { reason: 'again' }, BY)
    expect((await verify(await published(state), [rootThumbprints[0]!])).epoch).toBe(3)
  })

  test('two at once, of two processes, that leave the same root: one of them is refused', async () => {
    const { fixture, state, before } = await open()
    const other = await fixture.open({ schedule: false })
    const input = { reason: 'hurry', rootThumbprint: before[0] }
    const results = await Promise.allSettled([state, other].map((from) => switchRoot(from, 'app', input, BY)))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const refused = results.find((result) => result.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(before[1]) })
    const trust = await readTrust(state, 'app')
    expect([trust.rootThumbprints[0], trust.epoch]).toEqual([before[1], 2])
    expect((await verify(await published(other), before)).epoch).toBe(2)
  })

  test('a refused switch changes nothing', async () => {
    const { state, before } = await open()
    const trust = await readTrust(state, 'app')
    for (const [id, input, code] of [
      ['app', { reason: 'x', rootThumbprint: before[1] }, 'CONFLICT'],
      ['app', { reason: ' ' }, 'INPUT_INVALID'],
      ['nothing', { reason: 'x' }, 'NOT_FOUND'],
    ] as const) {
      await expect(switchRoot(state, id, input, BY)).rejects.toMatchObject({ code })
    }
    expect(await readTrust(state, 'app')).toEqual(trust)
    expect((await state.audit.list({ action: 'root.switch' })).items).toEqual([])
  })

  test('signs after a recovery to before the switch, and can be switched away from again', async () => {
    const { fixture, state, before } = await open()
    await published(state)
    const back = await rememberDatabase(state.db)
    const lost = await switchRoot(state, 'app', { reason: 'it leaked' }, BY)
    await published(state)
    await state.close()
    const database = await openDatabase(fixture.config.database)
    await back(database.db)
    await database.close()
    await recover(fixture.config, { actor: 'cli:local' })

    const recovered = await fixture.open({ schedule: false })
    expect((await readTrust(recovered, 'app')).rootThumbprints).toEqual(before)
    for (const shipped of [before, lost.rootThumbprints]) {
      expect((await verify(await published(recovered), shipped)).epoch).toBe(3)
    }
    const after = await switchRoot(recovered, 'app', { reason: 'after the recovery' }, BY)
    expect(after.rootThumbprints[0]).toBe(before[1])
    expect(after.rootThumbprints[1]).not.toBe(lost.rootThumbprints[1])
    expect((await verify(await published(recovered), lost.rootThumbprints)).epoch).toBe(4)
  })
})

describe.each(ENGINES)('clients across a switch on $name', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(engine)
  })
  afterAll(() => server?.dispose())

  const trustOf = async (id: string) => (await server.admin('GET', `/applications/${id}/trust`)).body
  const switchIt = (id: string, body: object = { reason: 'it leaked' }) =>
    server.admin('POST', `/applications/${id}/trust/switch-root`, body)
  async function application(id: string): Promise<Prints> {
    await server.admin('POST', '/applications', { id, suite: 'x25519' })
    return (await trustOf(id)).rootThumbprints
  }
  const app = (applicationId: string, rootThumbprints: readonly string[], storage = createMemoryStorage()) =>
    connect({ url: server.publicUrl, applicationId, trust: { rootThumbprints }, storage })

  test('with both thumbprints go on: no call fails, before, during and after', async () => {
    const prints = await application('shop')
    const storage = createMemoryStorage()
    const running = app('shop', prints, storage)
    const statuses: number[] = []
    let switched = false
    let done = false
    const calling = (async () => {
      for (let after = 0; after < 5; after += switched ? 1 : 0) {
        statuses.push((await running.fetch('/v1/echo')).status)
      }
      done = true
    })()
    await expect.poll(() => statuses.length).toBeGreaterThan(3)
    const answer = await switchIt('shop')
    switched = true
    await calling
    expect(done).toBe(true)
    expect(answer.status).toBe(200)
    expect(answer.body.text).toContain('Ship the new root thumbprints')
    expect(answer.body).toMatchObject({ epoch: 2, rootThumbprints: [prints[1], expect.any(String)] })

    await running.refresh()
    expect(running.status().manifest).toMatchObject({ epoch: 2 })
    statuses.push((await running.fetch('/v1/echo')).status)
    expect(statuses).toEqual(Array(statuses.length).fill(200))
    running.close()

    // The next release, on a device that kept what the former one stored; and a new installation of either.
    for (const fresh of [
      app('shop', answer.body.rootThumbprints, storage),
      app('shop', answer.body.rootThumbprints),
      app('shop', prints),
    ]) {
      expect((await fresh.fetch('/v1/echo')).status).toBe(200)
      fresh.close()
    }
  })

  test('a release with the new thumbprints takes over a manifest that the old root signed', async () => {
    const prints = await application('release')
    const storage = createMemoryStorage()
    const running = app('release', prints, storage)
    expect((await running.fetch('/v1/echo')).status).toBe(200)
    running.close()
    const { body } = await switchIt('release')
    const released = app('release', body.rootThumbprints, storage)
    expect((await released.fetch('/v1/echo')).status).toBe(200)
    expect(released.status().manifest).toMatchObject({ epoch: 2 })
    released.close()
  })

  test('with only the old thumbprint refuse', async () => {
    const prints = await application('single')
    const running = app('single', [prints[0]])
    expect((await running.fetch('/v1/echo')).status).toBe(200)
    await switchIt('single')
    await expect(running.refresh()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    running.close()
    const fresh = app('single', [prints[0]])
    await expect(fresh.fetch('/v1/echo')).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    fresh.close()
  })

  test('an offline root is switched by a delegation of the spare: the refusal says so, and it works', async () => {
    const [root, spare] = await Promise.all([1, 2].map(() => backend.signatures.generateKeyPair('EdDSA')))
    const rootThumbprints = await Promise.all(
      [root!, spare!].map((key) => jwkThumbprint(backend, key.publicKey.jwk)),
    )
    await server.admin('POST', '/applications', { id: 'offline', suite: 'x25519', rootThumbprints })
    const { epoch, manifestKey } = await trustOf('offline')
    const refused = await switchIt('offline')
    expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT'])
    expect(refused.body.detail).toContain(`sign a delegation for epoch ${epoch + 1}`)
    expect(refused.body.detail).toContain('spare root')
    expect((await trustOf('offline')).epoch).toBe(epoch)

    const issued = Math.floor(Date.now() / 1_000)
    const claim = { application: 'offline', key: manifestKey, issued, expires: issued + 86_400 }
    const install = async (key: typeof root, next: number) =>
      server.admin('POST', '/applications/offline/delegation', {
        delegation: await signDelegation(backend, key!, { ...claim, epoch: next }),
      })
    expect((await install(root, epoch)).status).toBe(200)
    const running = app('offline', rootThumbprints)
    expect((await running.fetch('/v1/echo')).status).toBe(200)
    expect((await install(spare, epoch + 1)).body.epoch).toBe(epoch + 1)
    await running.refresh()
    expect((await running.fetch('/v1/echo')).status).toBe(200)
    running.close()
  })

  test('needs a reason, takes nothing else, and names a root of the right form', async () => {
    await application('strict')
    for (const body of [
      {},
      { reason: ' ' },
      { reason: 'x'.repeat(501) },
      { reason: 'x', force: true },
      { reason: 'x', rootThumbprint: 'short' },
    ]) {
      expect((await switchIt('strict', body)).status).toBe(400)
    }
    expect((await switchIt('nobody')).status).toBe(404)
    expect((await trustOf('strict')).epoch).toBe(1)
  })
})
