import { X509Certificate } from 'node:crypto'
import { backend, toHex, utf8 } from '@keyhaven/crypto'
import {
  IDENTITY_CACHE,
  KERNEL_SIGN,
  keyName,
  openHybrid,
  PROFILES,
  type Profile,
  sealLayoutC,
  signJwt,
  verifyChain,
  verifyJwt,
} from '@keyhaven/identity'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { testKey } from '../../identity/test/kit/test-keys.ts'
import { useTestKeys } from '../../identity/test/kit/use-test-keys.ts'
import { createIdentityKeys } from '../src/identity/keys/create-identity-keys.ts'
import { createLocalModuleKeys } from '../src/identity/keys/local-module-keys.ts'
import type { State } from '../src/platform/state/state.ts'

const START = 1_800_000_000_000
const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS
const UIN_KEY = keyName('ID_REPO', 'uin')
const IDENTITY_KEY = keyName('ID_REPO', 'identity_data')
const ID_REPO = keyName('ID_REPO')
const ROOT = keyName('ROOT')
const PLAINTEXT = utf8('a made-up identity')

let restore: () => void
beforeAll(() => {
  restore = useTestKeys()
})
afterAll(() => restore())

describe.each(ENGINES)('identity keys on $name', (engine) => {
  let fixture: StateFixture
  let now: number
  beforeEach(async () => {
    now = START
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  const openState = () => fixture.open({ clock: () => now, schedule: false })
  const keysOf = (state: State, profile: Profile = 'mosip', role: 'main' | 'ida' = 'main') =>
    createIdentityKeys({ state, applicationId: 'demo', profile, role, clock: () => now })

  test('a base key is made at first use, with a chain to the root, and opens what is sealed to it', async () => {
    const keys = keysOf(await openState())
    const sealed = await sealLayoutC(backend, await keys.recipient(UIN_KEY), PLAINTEXT)
    expect(await openHybrid(backend, keys.opener(UIN_KEY), sealed)).toEqual(PLAINTEXT)
    const [leaf, module, root] = await keys.chain(UIN_KEY)
    const expected = { intermediates: [module!], anchors: [root!], at: now, revoked: () => false }
    expect(await verifyChain(leaf!, { ...expected, usage: 'encrypt' })).toHaveLength(3)
    expect((await keys.list({ limit: 100 })).map(({ id, generation }) => [id, generation])).toEqual([
      ['K7', 1],
      ['K7.4', 1],
      ['K1', 1],
    ])
    expect(leaf!.notAfter - now).toBeLessThanOrEqual(2 * YEAR_MS)
    expect(module!.notAfter - now).toBeLessThanOrEqual(3 * YEAR_MS)
    expect(root!.notAfter - now).toBeLessThanOrEqual(5 * YEAR_MS)
    expect(leaf!.notAfter - now).toBeGreaterThan(2 * YEAR_MS - DAY_MS)
  })

  test('node:crypto reads the certificates and finds the same chain', async () => {
    const keys = keysOf(await openState())
    const chain = (await keys.chain(IDENTITY_KEY)).map(({ der }) => new X509Certificate(der))
    expect(chain[0]!.checkIssued(chain[1]!) && chain[1]!.checkIssued(chain[2]!)).toBe(true)
    expect(chain.map((each, at) => each.verify((chain[at + 1] ?? each).publicKey))).toEqual([
      true,
      true,
      true,
    ])
    expect(chain.map((each) => each.ca)).toEqual([false, true, true])
  })

  test('another process opens it, and a key moved to another name in the database is refused', async () => {
    const first = keysOf(await openState())
    const sealed = await sealLayoutC(backend, await first.recipient(UIN_KEY), PLAINTEXT)
    const state = await openState()
    const second = keysOf(state)
    expect(await openHybrid(backend, second.opener(UIN_KEY), sealed)).toEqual(PLAINTEXT)
    await expect(openHybrid(backend, second.opener(IDENTITY_KEY), sealed)).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
    await second.certificate(IDENTITY_KEY)
    const row = await state.db
      .selectFrom('identity_keys_mosip')
      .selectAll()
      .where('ref_id', '=', 'identity_data')
      .executeTakeFirstOrThrow()
    await state.db
      .updateTable('identity_keys_mosip')
      .set({ certificate: row.certificate, thumbprint: row.thumbprint, private_key: row.private_key })
      .where('ref_id', '=', 'uin')
      .execute()
    await expect(keysOf(state).certificate(UIN_KEY)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('a certificate of somebody else put into the database is refused', async () => {
    const state = await openState()
    const honest = keysOf(state)
    await honest.certificate(UIN_KEY)
    // The forger has keys, a root and a tree of his own, under the same names.
    const forger = keysOf(state, 'keyhaven')
    await forger.certificate(UIN_KEY)
    const forged = await state.db.selectFrom('identity_keys_keyhaven').selectAll().execute()
    for (const refs of [['uin'], ['', 'uin']]) {
      for (const row of forged.filter(({ ref_id }) => refs.includes(ref_id))) {
        await state.db
          .updateTable('identity_keys_mosip')
          .set({ certificate: row.certificate, thumbprint: row.thumbprint })
          .where('app_id', '=', row.app_id)
          .where('ref_id', '=', row.ref_id)
          .execute()
      }
      await expect(keysOf(state).certificate(UIN_KEY)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    }
  })

  test('processes that race for the first use get one key', async () => {
    const states = [await openState(), await openState()]
    const all = states.flatMap((state) => [keysOf(state), keysOf(state)])
    const certificates = await Promise.all(all.map((keys) => keys.certificate(UIN_KEY)))
    expect(new Set(certificates.map(({ thumbprint }) => toHex(thumbprint))).size).toBe(1)
    const masters = await Promise.all(
      states.map((state) =>
        createLocalModuleKeys(state, 'demo', 'mosip').ensure(IDENTITY_CACHE.main, 'aes-256', 1),
      ),
    )
    const wrapped = await Promise.all(masters.map((master) => master.wrapEcb(new Uint8Array(32))))
    expect(wrapped[0]).toEqual(wrapped[1])
  })

  test('is renewed before it ends; the old generation still opens and verifies', async () => {
    const keys = keysOf(await openState())
    const sealed = await sealLayoutC(backend, await keys.recipient(UIN_KEY), PLAINTEXT)
    const old = await keys.certificate(UIN_KEY)
    now = START + 2 * YEAR_MS - 61 * DAY_MS
    await keys.tick()
    expect(await keys.certificate(UIN_KEY)).toBe(old)
    now += 2 * DAY_MS
    await keys.tick()
    const renewed = await keys.certificate(UIN_KEY)
    expect(toHex(renewed.thumbprint)).not.toBe(toHex(old.thumbprint))
    expect(await openHybrid(backend, keys.opener(UIN_KEY), sealed)).toEqual(PLAINTEXT)
    // Its parent would have ended before it, and the parent's parent before that.
    const generations = Object.fromEntries(
      (await keys.list({ limit: 100 }))
        .filter(({ state }) => state === 'current')
        .map(({ id, generation }) => [id, generation]),
    )
    expect(generations).toEqual({ K1: 1, K7: 2, 'K7.4': 2 })
    const [leaf, module, root] = await keys.chain(UIN_KEY)
    expect(leaf!.notAfter).toBeLessThanOrEqual(module!.notAfter)
    expect(module!.notAfter).toBeLessThanOrEqual(root!.notAfter)
    now = START + 4 * YEAR_MS
    const later = keysOf(await openState())
    await later.certificate(UIN_KEY)
    expect((await later.certificate(ROOT)).notAfter - now).toBeGreaterThan(3 * YEAR_MS)
  })

  test('a renewal by another process is seen, and its key opens at once', async () => {
    const here = keysOf(await openState())
    const there = keysOf(await openState())
    await here.certificate(UIN_KEY)
    await there.certificate(UIN_KEY)
    const renewed = await there.renew(UIN_KEY, 'token:test')
    const sealed = await sealLayoutC(backend, await there.recipient(UIN_KEY), PLAINTEXT)
    expect(await openHybrid(backend, here.opener(UIN_KEY), sealed)).toEqual(PLAINTEXT)
    expect(toHex((await here.certificate(UIN_KEY)).thumbprint)).toBe(toHex(renewed.thumbprint))
  })

  test.each(PROFILES)('%s: a moved private part does not open under another name', async (profile) => {
    const state = await openState()
    const keys = keysOf(state, profile)
    const sealed = await sealLayoutC(backend, await keys.recipient(UIN_KEY), PLAINTEXT)
    await keys.certificate(IDENTITY_KEY)
    const table = `identity_keys_${profile}` as const
    const { private_key } = await state.db
      .selectFrom(table)
      .select('private_key')
      .where('ref_id', '=', 'identity_data')
      .executeTakeFirstOrThrow()
    await state.db.updateTable(table).set({ private_key }).where('ref_id', '=', 'uin').execute()
    await expect(openHybrid(backend, keysOf(state, profile).opener(UIN_KEY), sealed)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  test('what signs, signs; what encrypts, encrypts; no key does both', async () => {
    const keys = keysOf(await openState())
    const { signature, certificate, chain } = await keys.sign(KERNEL_SIGN, PLAINTEXT)
    expect(await backend.rsa.verifyPkcs1(certificate.publicKey, signature, PLAINTEXT)).toBe(true)
    const jws = await signJwt(
      { sign: async (data) => (await keys.sign(KERNEL_SIGN, data)).signature, certificate, chain },
      PLAINTEXT,
    )
    await verifyJwt(backend, jws, {
      trust: async ([leaf, ...intermediates]) => {
        const anchors = [chain.at(-1)!]
        await verifyChain(leaf, { intermediates, anchors, at: now, revoked: () => false, usage: 'sign' })
      },
    })
    for (const name of [KERNEL_SIGN, ID_REPO, ROOT, IDENTITY_CACHE.main]) {
      await expect(keys.recipient(name)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    }
    for (const name of [UIN_KEY, ROOT, IDENTITY_CACHE.main]) {
      await expect(keys.sign(name, PLAINTEXT)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    }
    for (const name of [
      keyName('IDA', 'PARTNER'),
      keyName('ID_REPO', 'other'),
      keyName('REGISTRATION', 'x'),
    ]) {
      await expect(keys.certificate(name)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' })
    }
    await expect(keys.masterKey(UIN_KEY)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' })
  })

  test('packet keys are made for each machine; IDA has a tree of its own', async () => {
    const state = await openState()
    const machine = keyName('REGISTRATION', '10001_10077')
    expect((await keysOf(state).certificate(machine)).commonName).toBe('REGISTRATION-10001_10077')
    const ida = keysOf(state, 'keyhaven', 'ida')
    expect((await ida.chain(keyName('IDA', 'CRED_SERVICE'))).map(({ commonName }) => commonName)).toEqual([
      'IDA-CRED_SERVICE',
      'IDA',
      'ROOT',
    ])
  })

  test('the master key wraps by ECB and by AEAD, the same in every process', async () => {
    const here = await keysOf(await openState()).masterKey(IDENTITY_CACHE.main)
    const there = await keysOf(await openState()).masterKey(IDENTITY_CACHE.main)
    const key = backend.randomBytes(32)
    expect(await there.unwrapEcb(await here.wrapEcb(key))).toEqual(key)
    const wrapped = await here.wrap(key, utf8('record 1'))
    expect(await there.unwrap(wrapped, utf8('record 1'))).toEqual(key)
    await expect(there.unwrap(wrapped, utf8('record 2'))).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    const other = await keysOf(await openState(), 'keyhaven').masterKey(IDENTITY_CACHE.main)
    expect(await other.unwrapEcb(await here.wrapEcb(key))).not.toEqual(key)
  })

  test('no private key lies in the database as it is', async () => {
    const state = await openState()
    const keys = keysOf(state)
    await keys.certificate(UIN_KEY)
    const rows = [
      ...(await state.db.selectFrom('identity_keys_mosip').selectAll().execute()),
      ...(await state.db.selectFrom('identity_module_keys_mosip').selectAll().execute()),
    ]
    const dump = Buffer.from(
      JSON.stringify(rows, (_name, value) =>
        value instanceof Uint8Array || value?.type === 'Buffer'
          ? Buffer.from(value.data ?? value).toString('hex')
          : value,
      ),
    )
    for (let index = 0; index < 3; index++) {
      const pkcs8 = Buffer.from(await backend.rsa.exportPrivateKey(await testKey(index)))
      const part = pkcs8.subarray(600, 632)
      expect(dump.includes(part.toString('hex')) || dump.includes(part.toString('base64url'))).toBe(false)
    }
  })
})
