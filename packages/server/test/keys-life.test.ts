import { KeyhavenError } from '@keyhaven/crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { State } from '../src/platform/state/state.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const START = 1_800_000_000_000

describe.each(ENGINES)('the life of a key on $name', (engine) => {
  let fixture: StateFixture
  let now: number
  const open = () => fixture.open({ clock: () => now, schedule: false })

  beforeEach(async () => {
    now = START
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  const add = (state: State, extra: object = {}) =>
    state.keys.addE2eKey({ applicationId: 'demo', suite: FAST, ...extra }, BY)
  const statesOf = async (state: State) =>
    (await state.keys.listE2eKeys('demo')).map((key) => [key.keyId, key.state])

  test('the first key is active at once, the next after two seconds, and the older one then retires', async () => {
    const state = await open()
    const first = await add(state)
    expect(first).toMatchObject({ state: 'active', keyId: 1, activatedAt: START })
    const second = await add(state)
    expect(second).toMatchObject({ state: 'pending', keyId: 2, activateAt: START + 2_000, activatedAt: null })
    now += 1_999
    expect(await state.keys.tick()).toBe(0)
    now += 1
    expect(await state.keys.tick()).toBe(1)
    expect(await statesOf(state)).toEqual([
      [2, 'active'],
      [1, 'retiring'],
    ])
    expect((await state.keys.getE2eKey('demo', '2'))?.history.map(({ state: step }) => step)).toEqual([
      'pending',
      'active',
    ])
  })

  test('a pending key opens already and is not advertised', async () => {
    const state = await open()
    await add(state)
    const pending = await add(state)
    expect(await state.keyCache.find('demo', pending.keyId)).toMatchObject({
      state: 'pending',
      privateKey: {},
    })
    expect((await state.keyCache.advertised('demo')).map((key) => key.keyId)).toEqual([1])
  })

  test('planned activation and end happen, with the actor system', async () => {
    const state = await open()
    await add(state)
    const key = await add(state, { activateAt: START + 60_000, endAt: START + 120_000 })
    expect(await state.keys.nextDue()).toBe(START + 60_000)
    now = START + 60_000
    await state.keys.tick()
    expect(await state.keys.nextDue()).toBe(START + 120_000)
    now = START + 120_000
    await state.keys.tick()
    const ended = await state.keys.getE2eKey('demo', key.id)
    expect(ended).toMatchObject({ state: 'revoked', revokedAt: now, wrappedPrivateKey: undefined })
    expect(ended?.history.at(-1)).toEqual({
      state: 'revoked',
      at: now,
      actor: 'system',
      reason: 'planned end',
    })
    expect(await state.keys.nextDue()).toBeUndefined()
  })

  test('a plan can be changed while it can still come true', async () => {
    const state = await open()
    const active = await add(state)
    const key = await add(state)
    const planned = await state.keys.schedule(
      'demo',
      key.id,
      { activateAt: START + 9_000, endAt: START + 10_000 },
      BY,
    )
    expect(planned).toMatchObject({ activateAt: START + 9_000, endAt: START + 10_000 })
    expect(await state.keys.schedule('demo', '2', { endAt: null }, BY)).toMatchObject({ endAt: null })
    const change = (reference: string, plan: object) => state.keys.schedule('demo', reference, plan, BY)
    await expect(change(active.id, { activateAt: now + 5 })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(change(key.id, { endAt: START + 8_000 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(change(key.id, { endAt: START })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(change('unknown', { endAt: null })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await state.keys.revoke('demo', key.id, { reason: 'test' }, BY)
    await expect(change(key.id, { endAt: now + 9 })).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('revoking erases the private part in the database, keeps the record, and is final', async () => {
    const state = await open()
    const old = await add(state)
    await add(state)
    now += 2_000
    await state.keys.tick()
    const revoked = await state.keys.revoke('demo', old.id, { reason: '  phone stolen ' }, BY)
    expect(revoked).toMatchObject({ state: 'revoked', revokedAt: now, wrappedPrivateKey: undefined })
    expect(revoked.history.at(-1)).toEqual({
      state: 'revoked',
      at: now,
      actor: 'token:test',
      reason: 'phone stolen',
    })
    const row = await state.db
      .selectFrom('managed_keys')
      .selectAll()
      .where('id', '=', old.id)
      .executeTakeFirst()
    expect(row).toMatchObject({ state: 'revoked', wrapped_private_key: null, master_key_id: null })
    expect(new Uint8Array(row?.public_key ?? [])).toEqual(old.publicKey)
    expect(await state.keyCache.find('demo', old.keyId)).toEqual({
      id: '',
      keyId: 1,
      state: 'revoked',
      aeads: [],
    })
    await expect(state.keys.importE2eKey(revoked)).rejects.toMatchObject({ code: 'KEY_REVOKED' })
    // Again: nothing changes, and the log has one entry.
    expect(await state.keys.revoke('demo', old.id, { reason: 'again' }, BY)).toEqual(revoked)
    expect((await state.audit.list({ action: 'key.revoke' })).items).toHaveLength(1)
    await expect(
      state.db.updateTable('managed_keys').set({ state: 'active' }).where('id', '=', old.id).execute(),
    ).rejects.toThrow(/constraint/i)
  })

  test('by its decimal id only a live key is found', async () => {
    const state = await open()
    const key = await add(state)
    expect((await state.keys.getE2eKey('demo', '1'))?.id).toBe(key.id)
    await state.keys.revoke('demo', '1', { reason: 'test', force: true }, BY)
    expect(await state.keys.getE2eKey('demo', '1')).toBeUndefined()
    expect((await state.keys.getE2eKey('demo', key.id))?.state).toBe('revoked')
    expect(await state.keys.getE2eKey('another', key.id)).toBeUndefined()
  })

  test('the last active key is revoked only by force, and a reason is needed', async () => {
    const state = await open()
    const key = await add(state)
    const revoke = (input: { reason: string; force?: boolean }) =>
      state.keys.revoke('demo', key.id, input, BY)
    await expect(revoke({ reason: 'test' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(revoke({ reason: ' ' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(revoke({ reason: 'x'.repeat(501) })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect((await revoke({ reason: 'test', force: true })).state).toBe('revoked')
  })

  test.each([0, 1, 2])('a restart with %d live keys', async (count) => {
    const before = await open()
    const keys = [await add(before), await add(before)]
    now += 2_000
    await before.keys.tick()
    for (const key of keys.slice(count)) {
      await before.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    }
    await before.close()
    const state = await open()
    expect(await state.keyCache.live('demo')).toHaveLength(count)
    for (const key of keys) {
      const found = await state.keyCache.find('demo', key.keyId)
      const usable = keys.indexOf(key) < count
      expect(found?.state === 'revoked').toBe(!usable)
      expect(found?.privateKey !== undefined).toBe(usable)
    }
    const added = await add(state)
    expect(added.keyId).toBe(3)
    // Nobody can be served before it: with no active key left it is active at once.
    expect(added.state).toBe(count < 2 ? 'active' : 'pending')
  })

  test('keys added at the same moment get different ids', async () => {
    const [one, other] = [await open(), await open()]
    const keys = await Promise.all(Array.from({ length: 12 }, (_, n) => add(n % 2 === 0 ? one : other)))
    expect(keys.map((key) => key.keyId).sort((a, b) => a - b)).toEqual(keys.map((_, n) => n + 1))
    expect(keys.filter((key) => key.state === 'active')).toHaveLength(1)
  })

  test('two revocations of the last two keys at once: one is refused', async () => {
    const [one, other] = [await open(), await open()]
    const first = await add(one)
    const second = await add(one)
    now += 2_000
    await one.keys.tick()
    await one.keys.schedule('demo', second.id, { endAt: now + 60_000 }, BY)
    const results = await Promise.allSettled([
      one.keys.revoke('demo', first.id, { reason: 'test' }, BY),
      other.keys.revoke('demo', second.id, { reason: 'test' }, BY),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a key and its caller share one transaction: both or neither', async () => {
    const state = await open()
    const failed = state.transaction(async (transaction) => {
      await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, { ...BY, transaction })
      throw new KeyhavenError('INPUT_INVALID', 'the application is refused')
    })
    await expect(failed).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(await state.keys.list('demo')).toEqual([])
    expect((await state.audit.verify()).entries).toBe(0)
  })

  test('signing keys: active at once, the older one retires, and they sign', async () => {
    const state = await open()
    const input = { applicationId: 'demo', purpose: 'manifest-signing' } as const
    const old = await state.keys.addSigningKey(input, BY)
    const signer = await state.keys.addSigningKey(input, BY)
    await state.keys.addSigningKey({ applicationId: 'demo', purpose: 'root-signing' }, BY)
    const found = await state.keys.signingKey('demo', 'manifest-signing')
    expect(found?.key.id).toBe(signer.id)
    expect(found?.signingKey.algorithm).toBe('EdDSA')
    const states = (await state.keys.list('demo', 'manifest-signing')).map((key) => [key.id, key.state])
    expect(states).toEqual([
      [signer.id, 'active'],
      [old.id, 'retiring'],
    ])
    const revoked = await state.keys.revokeSigningKey('demo', old.id, 'replaced', BY)
    expect(revoked.wrappedPrivateKey).toBeUndefined()
    expect(await state.keys.signingKey('other', 'manifest-signing')).toBeUndefined()
  })

  test('a private key is stored wrapped only', async () => {
    const state = await open()
    const key = await add(state)
    const { backend } = await import('@keyhaven/crypto')
    const secret = await backend.kem.exportPrivateKey(await state.keys.importE2eKey(key))
    const row = await state.db.selectFrom('managed_keys').selectAll().executeTakeFirstOrThrow()
    for (const value of Object.values(row)) {
      const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))
      expect(bytes.includes(secret)).toBe(false)
    }
    expect(JSON.stringify(await state.audit.list({}))).not.toContain(
      Buffer.from(secret).toString('base64url'),
    )
  })

  test('every step is in the audit log', async () => {
    const state = await open()
    const key = await add(state)
    await add(state)
    now += 2_000
    await state.keys.tick()
    await state.keys.revoke('demo', key.id, { reason: 'test' }, BY)
    const { items } = await state.audit.list({ applicationId: 'demo' })
    expect(items.map(({ action, actor }) => `${actor} ${action}`).reverse()).toEqual([
      'token:test key.add',
      'token:test key.activate',
      'token:test key.add',
      'system key.activate',
      'system key.retire',
      'token:test key.revoke',
    ])
    expect(items[0]).toMatchObject({
      subject: key.id,
      detail: { reason: 'test', keyId: 1, state: 'revoked' },
    })
  })
})
