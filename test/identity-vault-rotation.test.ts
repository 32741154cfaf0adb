import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url } from '../packages/crypto/src/node/index.ts'
import { createOprfClient, createOprfHttp, type OprfReason, signJwt } from '../packages/identity/src/index.ts'
import { blindInput, generateOprfKeyPair } from '../packages/identity/src/oprf/voprf.ts'
import { ISSUANCE_ORDER_TYP } from '../packages/identity/src/service/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { createOprfStore } from '../packages/server/src/identity/oprf/oprf-store.ts'
import { ENGINES } from './kit/engines.ts'
import { APPLICATION, openVaultWorld, personOf, type VaultWorld } from './kit/identity-vault.ts'

const ALICE = '5283940617'
const BOB = '7193064825'
const CAROL = '3829405167'
const failing = (code: string) => expect.objectContaining({ code })
const CASES = [
  { name: 'mosip on SQLite', engine: ENGINES[0]!, profile: 'mosip' as const },
  { name: 'keyhaven on SQLite', engine: ENGINES[0]!, profile: 'keyhaven' as const },
  { name: 'keyhaven on PostgreSQL', engine: ENGINES[1]!, profile: 'keyhaven' as const },
]

describe.each(CASES)('new keys, $name', ({ engine, profile }) => {
  let world: VaultWorld
  const isMosip = profile === 'mosip'
  const request = async () => (isMosip ? undefined : world.partnerRequest())
  const phone = async (id: string) =>
    (await world.idaVault.openAttributes(id, ['phone'], await request())).get('phone')
  const records = () =>
    world.ida.db
      .selectFrom(`ida_records_${profile}` as 'ida_records_mosip')
      .select(['id_hash', 'generation', 'oprf_key', 'revision'])
      .orderBy('issued_at')
      .orderBy('id_hash')
      .execute()

  beforeAll(async () => {
    world = await openVaultWorld(engine, profile)
    await world.issuer.vault.createPool('test')
    for (const id of [ALICE, BOB]) {
      await world.enrol(id)
      world.advance(1_000)
    }
  })
  afterAll(() => world.dispose())

  test('a new generation takes new numbers, and new credentials take its keys', async () => {
    expect(await world.issuer.vault.rotatePool('test')).toEqual({ generation: 1, keys: 10_000 })
    expect(await phone(ALICE)).toBe(personOf(ALICE).identity.phone) // opens as before; no new key is here yet
    expect((await records()).map((row) => row.generation)).toEqual([0, 0])
    await world.enrol(CAROL)
    expect((await records()).map((row) => row.generation)).toEqual([0, 0, 1])
    expect(await world.idaVault.status()).toMatchObject({ records: 3, recordsOfOldGenerations: 2 })
  })

  test('a person is encrypted again at the next use, and only then', async () => {
    const [before] = await records()
    expect(await phone(ALICE)).toBe(personOf(ALICE).identity.phone)
    const [after, bob] = await records()
    expect(world.failures).toEqual([])
    expect(after).toEqual({ ...before, generation: 1, revision: before!.revision + 1 })
    expect(bob!.generation).toBe(0)
    expect(await phone(ALICE)).toBe(personOf(ALICE).identity.phone)
    const person = await world.idaVault.find(ALICE, await request())
    const all = await person!.open(person!.record.attributes)
    await person!.close()
    expect(JSON.parse(all.get('fullName')!)).toEqual(personOf(ALICE).identity.fullName)
    expect(all.get('Face')).toContain('<Type>Face</Type>')
  })

  test('and all of them in bulk, in parts, from where a run was cut', async () => {
    expect(await world.credentials.reencryption()).toEqual({ done: 1, left: 2 })
    expect(await world.credentials.reencrypt(1)).toBe(1)
    expect(await world.credentials.reencryption()).toEqual({ done: 1, left: 2 }) // ordered, not issued yet
    expect(await world.credentials.reencrypt(10)).toBe(1)
    expect(await world.credentials.reencrypt(10)).toBe(0)
    const runner = world.credentials.run({ onError: (error) => world.failures.push(error) })
    await expect.poll(() => world.credentials.reencryption()).toEqual({ done: 3, left: 0 })
    await runner.stop()
    expect(world.failures).toEqual([])
    const events = await world.main.db
      .selectFrom('identity_events')
      .select('body')
      .orderBy('sequence')
      .execute()
    for (const { body } of events.slice(-2)) {
      const event = await world.sign(Buffer.from(body))
      const { dataShareUri } = JSON.parse(body).event
      expect(await world.idaVault.importCredential(event, world.shares.get(dataShareUri)!)).toBe('imported')
    }
    expect((await records()).map((row) => row.generation)).toEqual([1, 1, 1])
    for (const id of [ALICE, BOB, CAROL]) expect(await phone(id)).toBe(personOf(id).identity.phone)
  })

  if (isMosip) return
  test('a new key of the oblivious PRF: people move to their new tag at the next use', async () => {
    await world.oprf!.server.rotate('test')
    world.advance(120_000) // clients ask again for the keys after a minute
    const before = await records()
    expect(before.map((row) => row.oprf_key)).toEqual([1, 1, 1])
    expect(await phone(BOB)).toBe(personOf(BOB).identity.phone)
    expect(world.failures).toEqual([])
    const after = await records()
    expect(after.map((row) => row.oprf_key).sort()).toEqual([1, 1, 2])
    const moved = after.find((row) => row.oprf_key === 2)!
    expect(before.map((row) => row.id_hash)).not.toContain(moved.id_hash)
    for (const id of [ALICE, BOB, CAROL]) expect(await phone(id)).toBe(personOf(id).identity.phone)
    expect((await records()).map((row) => row.oprf_key)).toEqual([2, 2, 2])
    expect(await world.credentials.reencryption()).toEqual({ done: 0, left: 3 })
  })
})

describe.each(ENGINES)('the oblivious PRF evaluates for nothing else, on $name', (engine) => {
  let world: VaultWorld
  const input = Buffer.from('an id')
  const evaluate = async (
    reason: OprfReason | ((element: Uint8Array) => Promise<OprfReason>),
    version = 1,
  ) => {
    const { blinded } = await blindInput(input)
    const why = typeof reason === 'function' ? await reason(blinded) : reason
    return world.oprf!.server.evaluate('token:test', version, [{ element: blinded, reason: why }])
  }
  const order = async (over: object, by?: Parameters<typeof signJwt>[0], typ = ISSUANCE_ORDER_TYP) => {
    const signer = by ?? (await issuerSigner(world))
    return (element: Uint8Array): Promise<OprfReason> =>
      signJwt(
        signer,
        JSON.stringify({
          ...{ v: 1, application: APPLICATION, element: toBase64url(element), request: 'r' },
          ...{ iat: Math.floor(world.now() / 1_000), ...over },
        }),
        { typ },
      ).then((jws) => ({ kind: 'issuance', order: jws }))
  }

  beforeAll(async () => {
    world = await openVaultWorld(engine, 'keyhaven')
    await world.oprf!.server.keys()
  })
  afterAll(() => world.dispose())

  test('than a request that a partner has signed, once with each key', async () => {
    const request = await world.partnerRequest()
    const reason = { kind: 'authentication', ...request } as const
    await evaluate(reason)
    await expect(evaluate(reason)).rejects.toThrow(failing('REPLAYED'))
    const { version } = await world.oprf!.server.rotate('test')
    await evaluate(reason, version)
    await expect(evaluate(reason, version)).rejects.toThrow(failing('REPLAYED'))
    const twice = {
      element: (await blindInput(input)).blinded,
      reason: { kind: 'authentication', ...(await world.partnerRequest()) },
    } as const
    await expect(world.oprf!.server.evaluate('token:test', 1, [twice, twice])).rejects.toThrow(
      failing('REPLAYED'),
    )
  })

  test('nor for a stranger, another digest, or a signature that was changed', async () => {
    const good = await world.partnerRequest()
    const stranger = await world.partnerRequest((await testHolder(6)).signer)
    const flipped = good.signature.slice()
    flipped[9]! ^= 1
    for (const bad of [
      stranger,
      { ...good, digest: backend.randomBytes(32) },
      { ...good, signature: flipped },
      { ...good, signature: new Uint8Array(256) },
      { ...good, certificates: stranger.certificates },
    ]) {
      await expect(evaluate({ kind: 'authentication', ...bad })).rejects.toThrow(failing('ACCESS_DENIED'))
    }
    await evaluate({ kind: 'authentication', ...good })
  })

  test('than an order of the issuer for this element, application and time', async () => {
    await evaluate(await order({}))
    for (const over of [
      { element: toBase64url(new Uint8Array(32)) },
      { application: 'other' },
      { iat: 1 },
      { v: 2 },
    ]) {
      await expect(evaluate(await order(over))).rejects.toThrow(failing('ACCESS_DENIED'))
    }
    // What the key manager signs for any service with the same key is no order.
    await expect(evaluate(await order({}, undefined, 'JWT'))).rejects.toThrow(failing('ACCESS_DENIED'))
    await expect(evaluate(await order({}, (await testHolder(6)).signer))).rejects.toThrow(
      failing('ACCESS_DENIED'),
    )
    await expect(evaluate({ kind: 'issuance', order: 'a.b.c' })).rejects.toThrow(failing('ACCESS_DENIED'))
    await expect(evaluate(await order({}), 99)).rejects.toThrow(failing('KEY_UNKNOWN'))
  })

  test('within the quota of the caller; every evaluation is in the audit log', async () => {
    const { state } = world.oprf!
    const store = createOprfStore(state, APPLICATION, { dailyEvaluations: 2 })
    const use = (caller: string) => store.spend({ caller, version: 1, orders: [backend.randomBytes(32)] })
    await use('token:one')
    await use('token:one')
    await expect(use('token:one')).rejects.toThrow(failing('RATE_LIMITED'))
    await use('token:two')
    world.advance(86_400_000)
    await use('token:one')
    const { items } = await state.audit.list({ action: 'oprf.evaluate', actor: 'token:one' })
    expect(items).toHaveLength(3)
    world.advance(-86_400_000)
  })

  test('a client notices another key under a known version, and calls that wait go together', async () => {
    const { state, client } = world.oprf!
    const own = client(world.main)
    const before = (await state.audit.list({ action: 'oprf.evaluate' })).items.length
    // None is sent before all are signed: else it is up to the machine which of them wait for the first call.
    const { promise: allSigned, resolve } = Promise.withResolvers<void>()
    let signed = 0
    const ask = async () => {
      const sign = await order({ request: toBase64url(backend.randomBytes(8)) })
      const reason = async (element: Uint8Array) => {
        const signedOrder = await sign(element)
        if (++signed === 12) resolve()
        await allSigned
        return signedOrder
      }
      return own.evaluate({ input, version: 1, reason })
    }
    const outputs = await Promise.all(Array.from({ length: 12 }, ask))
    expect(new Set(outputs.map(toBase64url)).size).toBe(1)
    const calls = (await state.audit.list({ action: 'oprf.evaluate' })).items.length - before
    expect(calls).toBeLessThan(8)
    const forged = (await generateOprfKeyPair()).publicKey
    const liar = createOprfClient({
      transport: { keys: async () => [{ version: 1, publicKey: forged }], evaluate: async () => fail() },
      memory: { remember: async () => (await world.oprf!.server.keys()).at(-1)!.publicKey },
      clock: world.now,
    })
    await expect(liar.versions()).rejects.toThrow(failing('PROOF_INVALID'))
    const down = createOprfHttp({ url: 'http://127.0.0.1:1', token: 't', fetch: globalThis.fetch })
    await expect(down.keys()).rejects.toThrow(failing('UPSTREAM_FAILED'))
  })
})

function fail(): never {
  throw new Error('must not be asked')
}

async function issuerSigner(world: VaultWorld) {
  const { KERNEL_SIGN } = await import('../packages/identity/src/index.ts')
  return {
    sign: async (data: Uint8Array) => (await world.keys.main.sign(KERNEL_SIGN, data)).signature,
    certificate: await world.keys.main.certificate(KERNEL_SIGN),
  }
}
