import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, utf8 } from '../packages/crypto/src/node/index.ts'
import { decodeCredentialEvent, keyName, type Profile } from '../packages/identity/src/index.ts'
import { oprfInput, personSecrets } from '../packages/identity/src/oprf/person-secrets.ts'
import { evaluateDirectly, generateOprfKeyPair } from '../packages/identity/src/oprf/voprf.ts'
import { guessingCost, UIN_CANDIDATES } from '../packages/identity/src/service/index.ts'
import { openMosipAttribute, withMosipKey } from '../packages/identity/src/vault/mosip-attribute.ts'
import { openVaultAttribute, readVaultHeader } from '../packages/identity/src/vault/vault-attribute.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  AUTH_POLICY,
  IDA_PARTNER,
  openVaultWorld,
  personOf,
  type VaultWorld,
} from './kit/identity-vault.ts'

const ALICE = '5283940617'
const BOB = '7193064825'
const PROFILES = ['mosip', 'keyhaven'] as const
const [SQLITE] = ENGINES
const failing = (code: string) => expect.objectContaining({ code })

/** One world for each profile on each engine, with Alice and Bob in it; what spoils it comes last. */
const worlds = new Map<string, VaultWorld>()
const worldOf = (profile: Profile, engine: string = SQLITE!.name) => worlds.get(`${profile} ${engine}`)!

beforeAll(async () => {
  for (const engine of ENGINES) {
    for (const profile of PROFILES) {
      const world = await openVaultWorld(engine, profile)
      worlds.set(`${profile} ${engine.name}`, world)
      await world.issuer.vault.createPool('test')
      for (const id of [ALICE, BOB]) await world.enrol(id)
    }
  }
})
afterAll(async () => {
  for (const world of worlds.values()) await world.dispose()
})
const attributesOf = (profile: Profile) => `ida_attributes_${profile}` as 'ida_attributes_mosip'
const recordsOf = (profile: Profile) => `ida_records_${profile}` as 'ida_records_mosip'

describe.each(PROFILES)('whoever can write the database of an IDA, profile %s', (profile) => {
  let world: VaultWorld
  const isMosip = profile === 'mosip'
  const read = async (id: string, name: string) => {
    const request = isMosip ? undefined : await world.partnerRequest()
    return (await world.idaVault.openAttributes(id, [name], request)).get(name)
  }
  const hashOf = async (id: string) => {
    const found = await world.idaVault.find(id, isMosip ? undefined : await world.partnerRequest())
    return found!.record.idHash
  }
  const storedValue = async (id: string, name: string) =>
    (
      await world.ida.db
        .selectFrom(attributesOf(profile))
        .select('value')
        .where((eb) => eb.and({ id_hash: hashes[id]!, name }))
        .executeTakeFirstOrThrow()
    ).value
  const put = (id: string, name: string, value: string) =>
    world.ida.db
      .updateTable(attributesOf(profile))
      .set({ value })
      .where((eb) => eb.and({ id_hash: hashes[id]!, name }))
      .execute()
  /** Runs `attack` on a value of Alice, and puts the old one back. */
  const against = async (name: string, forged: string) => {
    const before = await storedValue(ALICE, name)
    await put(ALICE, name, forged)
    try {
      return await read(ALICE, name).catch((error: { code: string }) => error.code)
    } finally {
      await put(ALICE, name, before)
    }
  }
  const hashes: Record<string, string> = {}

  beforeAll(async () => {
    world = worldOf(profile)
    for (const id of [ALICE, BOB]) hashes[id] = await hashOf(id)
  })

  test('cannot give one person the attribute of another', async () => {
    expect(await against('fullName', await storedValue(BOB, 'fullName'))).toBe('OPEN_FAILED')
  })

  test('cannot name another pool key', async () => {
    const bytes = Buffer.from(await storedValue(ALICE, 'phone'), 'base64url')
    const at = isMosip ? 0 : 1
    bytes.writeUInt32BE((bytes.readUInt32BE(at) + 1) % 10_000, at)
    expect(await against('phone', bytes.toString('base64url'))).toBe('OPEN_FAILED')
  })

  test('cannot flip a bit, cut or lengthen a value anywhere', async () => {
    const value = Buffer.from(await storedValue(ALICE, 'dateOfBirth'), 'base64url')
    const places = [...value.keys()].filter((at) => isMosip || at % 4 === 0)
    for (const at of places) {
      const forged = Buffer.from(value)
      forged[at]! ^= 1 << (at % 8)
      expect(await against('dateOfBirth', forged.toString('base64url'))).toBe('OPEN_FAILED')
    }
    for (const forged of [
      value.subarray(0, -1),
      value.subarray(1),
      Buffer.concat([value, Buffer.alloc(1)]),
    ]) {
      expect(await against('dateOfBirth', forged.toString('base64url'))).toBe('OPEN_FAILED')
    }
  })

  // What MOSIP's layout does not bind, and ours does.
  test('puts one attribute in the place of another', async () => {
    const phone = await storedValue(ALICE, 'phone')
    expect(await against('postalCode', phone)).toBe(isMosip ? personOf(ALICE).identity.phone : 'OPEN_FAILED')
  })

  test.each(['credential_id', 'partner_id', 'policy_id'] as const)(
    'exchanges the %s of a record',
    async (column) => {
      const change = (value: string) =>
        world.ida.db
          .updateTable(recordsOf(profile))
          .set({ [column]: value })
          .where('id_hash', '=', hashes[ALICE]!)
          .execute()
      const [row] = await world.ida.db
        .selectFrom(recordsOf(profile))
        .select(column)
        .where('id_hash', '=', hashes[ALICE]!)
        .execute()
      await change('another')
      const result = await read(ALICE, 'phone').catch((error: { code: string }) => error.code)
      await change(row![column])
      expect(result).toBe(isMosip ? personOf(ALICE).identity.phone : 'OPEN_FAILED')
    },
  )

  test('cannot pass off a value of the other profile', async () => {
    const other = Buffer.from(await storedValue(ALICE, 'phone'), 'base64url')
    // Each layout's beginning, as the other one would read it.
    const forged = isMosip ? Buffer.concat([Buffer.from([1]), other]) : other.subarray(1)
    expect(await against('phone', forged.toString('base64url'))).toBe('OPEN_FAILED')
    const { event, share } = await otherProfileEvent(world)
    await expect(world.idaVault.importCredential(event, share)).rejects.toThrow(failing('WIRE_MALFORMED'))
  })
})

/** An event whose hash is of the other profile's kind, signed by the issuer. */
async function otherProfileEvent(world: VaultWorld) {
  const { event, share } = await world.issue(BOB)
  const json = JSON.parse(new TextDecoder().decode(event.body))
  const { data } = json.event
  const hash =
    world.profile === 'mosip'
      ? { id_hash: 'A'.repeat(43), OPRF_KEY: '1' }
      : { id_hash: 'A'.repeat(64), MODULO: '1', SALT: 'salt' }
  for (const name of ['MODULO', 'SALT', 'OPRF_KEY']) delete data[name]
  Object.assign(data, hash)
  return { event: await world.sign(utf8(JSON.stringify(json))), share }
}

describe('what is stolen, what is lost', () => {
  const hashed = (id: string, salt: string) =>
    createHash('sha256')
      .update(id + salt)
      .digest('hex')
      .toUpperCase()
  const GUESSES = ['2000000001', ALICE, BOB]

  test('mosip: the database tells who is enrolled; with the pool keys everything is read', async () => {
    const world = worldOf('mosip')
    const rows = await world.ida.db.selectFrom('ida_records_mosip').selectAll().execute()
    const salts = await world.ida.db.selectFrom('ida_id_salts').selectAll().execute()
    const found = GUESSES.filter((id) =>
      salts.some(({ salt }) => rows.some((row) => row.id_hash === hashed(id, salt))),
    )
    expect(found).toEqual([ALICE, BOB])
    const alice = rows.find((row) => salts.some(({ salt }) => row.id_hash === hashed(ALICE, salt)))!
    const attribute = await world.ida.db
      .selectFrom('ida_attributes_mosip')
      .select('value')
      .where('id_hash', '=', alice.id_hash)
      .where('name', '=', 'phone')
      .executeTakeFirstOrThrow()
    const value = Buffer.from(attribute.value, 'base64url')
    const stored = await world.ida.db
      .selectFrom('ida_pool_keys_mosip')
      .selectAll()
      .where('key_index', '=', value.readUInt32BE(0))
      .executeTakeFirstOrThrow()
    const openWith = (poolKey: Uint8Array) =>
      withMosipKey(backend, poolKey, ALICE, (key) => openMosipAttribute(backend, key, value))
    // Without K18: the wrapped key is no key.
    await expect(openWith(Buffer.from(stored.wrapped, 'base64'))).rejects.toThrow(failing('OPEN_FAILED'))
    const k18 = await world.keys.ida.masterKey(keyName('IDA', 'IDENTITY_CACHE'))
    const poolKey = await k18.unwrapEcb(Buffer.from(stored.wrapped, 'base64'))
    expect(new TextDecoder().decode(await openWith(poolKey))).toBe(personOf(ALICE).identity.phone)
  })

  test('keyhaven: neither database nor pool keys give anything to guess by; only with the PRF’s key', async () => {
    const world = worldOf('keyhaven')
    const found = await world.idaVault.find(ALICE, await world.partnerRequest())
    const record = await world.ida.db
      .selectFrom('ida_records_keyhaven')
      .selectAll()
      .where('id_hash', '=', found!.record.idHash)
      .executeTakeFirstOrThrow()
    const attribute = await world.ida.db
      .selectFrom('ida_attributes_keyhaven')
      .select('value')
      .where('id_hash', '=', record.id_hash)
      .where('name', '=', 'phone')
      .executeTakeFirstOrThrow()
    const value = Buffer.from(attribute.value, 'base64url')
    const { index } = readVaultHeader(value)
    const wrapped = await world.ida.db
      .selectFrom('ida_pool_keys_keyhaven')
      .select('wrapped')
      .where('key_index', '=', index)
      .executeTakeFirstOrThrow()
    const aad = Buffer.concat([
      ...['keyhaven pool key v1', 'keyhaven', APPLICATION].map((text) =>
        Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]),
      ),
      Buffer.from([0, 0, index >> 8, index & 255]),
    ])
    const k18 = await world.keys.ida.masterKey(keyName('IDA', 'IDENTITY_CACHE'))
    const poolKey = await k18.unwrap(Buffer.from(wrapped.wrapped, 'base64url'), aad)
    const guess = async (secretKey: Uint8Array, id: string, pool: Uint8Array) => {
      const secrets = await personSecrets(
        backend,
        await evaluateDirectly(secretKey, oprfInput(APPLICATION, id)),
      )
      const place = { application: APPLICATION, partner: IDA_PARTNER, policy: AUTH_POLICY }
      const phone = await openVaultAttribute(
        backend,
        { poolKey: pool, personKey: secrets.personKey },
        { ...place, record: record.credential_id, attribute: 'phone' },
        value,
      ).then(
        (bytes) => new TextDecoder().decode(bytes),
        () => undefined,
      )
      return { enrolled: Buffer.from(secrets.tag).toString('base64url') === record.id_hash, phone }
    }
    const nothing = { enrolled: false, phone: undefined }
    for (const id of GUESSES) {
      expect(await guess((await generateOprfKeyPair()).secretKey, id, poolKey)).toEqual(nothing)
    }
    // With the PRF's key, too.
    const [key] = await world.oprf!.state.db.selectFrom('identity_oprf_keys').selectAll().execute()
    const secretKey = await oprfSecret(world, key!)
    const all = await Promise.all(GUESSES.map((id) => guess(secretKey, id, poolKey)))
    const alice = { enrolled: true, phone: personOf(ALICE).identity.phone }
    expect(all).toEqual([nothing, alice, nothing]) // of Alice’s record
    // With the PRF's key but without the pool's: who is enrolled, and no more.
    expect(await guess(secretKey, ALICE, new Uint8Array(32))).toEqual({ enrolled: true, phone: undefined })
  })

  test('the cost of guessing all UINs follows from the speed of a guess', async () => {
    const cost = (profile: Profile, poolKey: boolean, oprfKey: boolean, stepMs = 10) => {
      let now = 0
      return guessingCost(backend, {
        ...{ profile, stolen: { poolKey, oprfKey }, monotonic: () => (now += stepMs), measureMs: 50 },
      })
    }
    const profiles = [
      { profile: 'mosip', oprfKey: false },
      { profile: 'keyhaven', oprfKey: true },
    ] as const
    for (const { profile, oprfKey } of profiles) {
      const fast = await cost(profile, true, oprfKey)
      const slow = await cost(profile, true, oprfKey, 50)
      expect(fast.enrolled).toEqual(fast.data)
      expect(fast.data!.guessesPerSecond).toBeCloseTo(slow.data!.guessesPerSecond * 5, 6)
      for (const { data } of [fast, slow]) {
        expect(data!.candidates).toBe(UIN_CANDIDATES)
        expect(data!.seconds * data!.guessesPerSecond).toBeCloseTo(UIN_CANDIDATES, 0)
      }
      expect(await cost(profile, false, oprfKey)).toEqual({ ...fast, data: undefined })
    }
    expect(await cost('keyhaven', true, false)).toEqual({ enrolled: undefined, data: undefined })
  })

  test('a guess of keyhaven costs many times one of mosip', async () => {
    // Of the processor, which does not go on while another process has it.
    const monotonic = () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1_000
    }
    const guesses = async (profile: Profile) => {
      const stolen = { poolKey: true, oprfKey: true }
      return (await guessingCost(backend, { profile, stolen, monotonic, measureMs: 50 })).data!
        .guessesPerSecond
    }
    expect(await guesses('mosip')).toBeGreaterThan(4 * (await guesses('keyhaven')))
  })
})

describe.each(
  ENGINES.flatMap((engine) => PROFILES.map((profile) => ({ name: engine.name, engine, profile }))),
)('a second key for an index, profile $profile, on $name', ({ engine, profile }) => {
  let world: VaultWorld
  beforeAll(() => {
    world = worldOf(profile, engine.name)
  })
  const counts = async () => ({
    records: (await world.ida.db.selectFrom(recordsOf(profile)).selectAll().execute()).length,
    keys: (await world.idaVault.status()).generations[0]!.keys,
  })

  test('is refused at the IDA, stores nothing, and waits for an operator', async () => {
    const taken = await world.ida.db
      .selectFrom(`ida_pool_keys_${profile}` as 'ida_pool_keys_mosip')
      .select('key_index')
      .executeTakeFirstOrThrow()
    const { event, share } = await world.issue(BOB)
    const json = JSON.parse(new TextDecoder().decode(event.body))
    json.event.data.bioRankomKeyIndex = String(taken.key_index)
    const forged = await world.sign(utf8(JSON.stringify(json)))
    const before = await counts()
    for (let turn = 0; turn < 2; turn++) {
      await expect(world.idaVault.importCredential(forged, share)).rejects.toThrow(
        // The share's own attributes name the index that it was sealed under.
        failing('WIRE_MALFORMED'),
      )
    }
    const honest = decodeCredentialEvent(JSON.parse(new TextDecoder().decode(event.body)))
    const random = await backend.rsa.encryptOaep(
      (await world.keys.ida.certificate(keyName('IDA', 'CRED_SERVICE'))).publicKey,
      backend.randomBytes(32),
    )
    const thumbprint = Buffer.from(honest.demographics!.encryptedRandomKey, 'base64url').subarray(0, 32)
    const other = JSON.parse(new TextDecoder().decode(event.body))
    await world.idaVault.importCredential(event, share)
    const stored = await counts()
    other.event.id = 'event-with-another-key'
    other.event.data.demoEncryptedRandomKey = Buffer.concat([thumbprint, random]).toString('base64url')
    const second = await world.sign(utf8(JSON.stringify(other)))
    await expect(world.idaVault.importCredential(second, share)).rejects.toThrow(failing('CONFLICT'))
    expect(await counts()).toEqual(stored)
    expect(stored.records).toBe(before.records)
    const [conflict, ...more] = await world.idaVault.conflicts({ limit: 10 })
    expect(more).toEqual([])
    expect(conflict).toMatchObject({ kind: 'import', index: honest.demographics!.index, closedAt: null })
    expect((await world.idaVault.status()).openConflicts).toBe(1)
    expect(await world.idaVault.closeConflict(conflict!.id, 'cli:local', 'a test')).toBe(true)
    expect(await world.idaVault.closeConflict(conflict!.id, 'cli:local', 'again')).toBe(false)
    expect((await world.idaVault.status()).openConflicts).toBe(0)
    expect((await world.ida.audit.list({ action: 'vault.pool.conflict' })).items).toHaveLength(1)
  })

  test('is refused at the issuer, also where the wrap itself shows nothing', async () => {
    const table = `identity_pool_keys_${profile}` as 'identity_pool_keys_mosip'
    const [one] = await world.main.db.selectFrom(table).selectAll().limit(1).execute()
    await world.main.db.updateTable(table).set({ wrapped: one!.wrapped }).execute()
    await expect(world.issue(ALICE)).rejects.toThrow(failing('CONFLICT'))
    expect((await world.issuer.vault.conflicts({ limit: 10 }))[0]).toMatchObject({ kind: 'unwrap' })
  })

  test('and no event counts that the issuer has not signed', async () => {
    const stranger = await testHolder(6)
    const body = utf8('{}')
    const { signEvent } = await import('../packages/identity/src/index.ts')
    const signature = await signEvent(stranger.signer, body)
    await expect(world.idaVault.importCredential({ body, signature }, body)).rejects.toThrow(
      failing('SIGNATURE_INVALID'),
    )
  })
})

async function oprfSecret(
  world: VaultWorld,
  key: { wrapped: Uint8Array; version: number },
): Promise<Uint8Array> {
  const { createLocalModuleKeys } = await import('../packages/server/src/identity/keys/local-module-keys.ts')
  const module = await createLocalModuleKeys(world.oprf!.state, APPLICATION, 'keyhaven').ensure(
    keyName('OPRF', 'KEY'),
    'aes-256',
    1,
  )
  const label = 'keyhaven oprf key v1'
  const bound = Buffer.concat([
    ...[label, APPLICATION].map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])),
    Buffer.from([0, 0, 0, key.version]),
  ])
  return module.unwrap(key.wrapped, bound)
}
