import { randomBytes, randomInt } from 'node:crypto'
import { backend } from '@keyhaven/crypto'
import { createMosipSealer } from '@keyhaven/identity/service'
import { ID_HASH_SALTS, idHash, idHashModulo } from '../packages/identity/src/vault/id-hash.ts'
import { openIdentityRepository } from '../packages/server/src/identity/repository/repository.ts'
import { createUinSalts } from '../packages/server/src/identity/repository/uin-salts.ts'
import { ENGINES, type Engine } from '../test/kit/engines.ts'
import { APPLICATION, openVaultWorld, type VaultWorld } from '../test/kit/identity-vault.ts'
import { openRowCopier, type RowCopier } from './copy-rows.ts'
import { measuredRow, type Row, targetRow } from './row.ts'

const SIZES = [1_000, 100_000, 1_000_000] as const
const PEOPLE_PER_BATCH = 20_000
const LOOK_UPS = 300
const ROUNDS = 7
/** A scan would cost hundreds of times as much; a B-tree has a level or two more. */
const MAX_GROWTH = 1.5
const REAL_UIN = '5283940617'
const REAL_RID = '10001100770000120260301093000'
const FIRST_UIN = 3_000_000_000
/** So that neighbours do not have neighbouring salts. */
const UIN_STEP = 7
const UNIT = 'µs of CPU'

/** A repository and an IDA, profile `mosip`, with as many people as wanted: copies of one real person. */
interface GrowingPeople {
  grow(people: number): Promise<void>
  /** By a UIN, looked up in the issuer's repository and at the IDA. */
  readonly lookUps: Readonly<Record<'repository' | 'IDA', (uin: string) => Promise<unknown>>>
  dispose(): Promise<void>
}

/** A person looked up by UIN as people grow; none of them is in memory. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const engine of ENGINES) {
    const people = await openGrowingPeople(engine)
    try {
      const smallest = new Map<string, number>()
      for (const size of SIZES) {
        await people.grow(size)
        for (const [where, lookUp] of Object.entries(people.lookUps)) {
          const value = await lookUpMicroseconds(lookUp, size)
          const name = `look-up by UIN, ${where}, ${engine.name}, ${size} people`
          rows.push(rowOf(name, value, smallest.get(where)))
          if (!smallest.has(where)) smallest.set(where, value)
        }
      }
    } finally {
      await people.dispose()
    }
  }
  return rows
}

function rowOf(name: string, value: number, smallest: number | undefined): Row {
  if (smallest === undefined) return measuredRow(name, value, UNIT)
  const reference = { name: 'smallest', value: smallest }
  return targetRow({ name, value, unit: UNIT, reference }, value / smallest, { atMost: MAX_GROWTH })
}

const uinAt = (at: number) => String(FIRST_UIN + at * UIN_STEP)

/** People spread over the whole table; the round that others disturbed least. */
async function lookUpMicroseconds(lookUp: (uin: string) => Promise<unknown>, size: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < LOOK_UPS; n++) {
      if ((await lookUp(uinAt(randomInt(size)))) === undefined) throw new Error('somebody was not found')
    }
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / LOOK_UPS)
  }
  return Math.min(...times)
}

async function openGrowingPeople(engine: Engine): Promise<GrowingPeople> {
  const world = await openVaultWorld(engine, 'mosip')
  const { main, envs, idaVault, issuer } = world
  await issuer.vault.createPool('bench')
  await world.enrol(REAL_UIN)
  const objects = { put: async () => {}, get: async () => undefined }
  const place = { applicationId: APPLICATION, profile: 'mosip', clock: Date.now } as const
  const repository = openIdentityRepository({ state: main, objects, keys: world.keys.main, ...place })
  await repository.add({ rid: REAL_RID, identity: { fullName: 'Invented Person' }, files: [] })
  const salts = await fillSalts(world)
  const sealer = createMosipSealer(backend, world.keys.main, createUinSalts(main, APPLICATION))
  const own = `t.application_id = '${APPLICATION}'`
  let made = 0

  async function copy(repositories: RowCopier, idas: RowCopier, count: number): Promise<void> {
    const values: { record: string; tag: string; hash: string }[] = []
    for (let at = made; at < made + count; at++) {
      const uin = uinAt(at)
      const hash = await idHash(backend, uin, salts.get(await idHashModulo(backend, uin))!)
      values.push({ record: randomBytes(16).toString('base64url'), tag: await sealer.tag(uin), hash })
    }
    await repositories.copy(values, [
      {
        ...{ table: 'identity_records_mosip', where: `${own} and t.rid = '${REAL_RID}'` },
        changed: { record: 'n.record', tag: 'n.tag', rid: 'n.record' },
      },
    ])
    const real = await idHash(backend, REAL_UIN, salts.get(await idHashModulo(backend, REAL_UIN))!)
    const ofReal = `${own} and t.id_hash = '${real}'`
    const changed = { id_hash: 'n.hash' }
    await idas.copy(values, [
      { table: 'ida_records_mosip', where: ofReal, changed },
      { table: 'ida_attributes_mosip', where: `${ofReal} and t.name = 'dateOfBirth'`, changed },
    ])
    made += count
  }

  return {
    async grow(people) {
      const repositories = await openRowCopier(engine.dialect, envs.main)
      const idas = await openRowCopier(engine.dialect, envs.ida)
      while (made < people) await copy(repositories, idas, Math.min(PEOPLE_PER_BATCH, people - made))
      await repositories.close()
      await idas.close()
    },
    lookUps: {
      repository: (uin) => repository.summary(uin, 'UIN'),
      async IDA(uin) {
        const found = await idaVault.find(uin)
        await found?.close()
        return found
      },
    },
    dispose: () => world.dispose(),
  }
}

/** The IDA gets the salt of a modulo with its first person: here all of them, for those who are copies. */
async function fillSalts({ ida }: VaultWorld): Promise<ReadonlyMap<number, string>> {
  const values = Array.from({ length: ID_HASH_SALTS }, (_, modulo) => ({
    ...{ application_id: APPLICATION, modulo, salt: randomBytes(16).toString('base64') },
  }))
  const insert = ida.db.insertInto('ida_id_salts').values(values)
  await insert.onConflict((on) => on.columns(['application_id', 'modulo']).doNothing()).execute()
  const rows = await ida.db.selectFrom('ida_id_salts').select(['modulo', 'salt']).execute()
  return new Map(rows.map(({ modulo, salt }) => [Number(modulo), salt]))
}
