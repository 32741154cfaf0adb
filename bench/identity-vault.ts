import { backend } from '@keyhaven/crypto'
import type { Profile } from '@keyhaven/identity'
import { guessingCost } from '@keyhaven/identity/service'
import { ENGINES } from '../test/kit/engines.ts'
import { AUTH_POLICY, IDA_PARTNER, openVaultWorld, type VaultWorld } from '../test/kit/identity-vault.ts'
import { type Contestant, measure } from './measure.ts'
import { measuredRow, type Row } from './row.ts'

const PROFILES: readonly Profile[] = ['mosip', 'keyhaven']
const POOL_KEYS = 10_000
const POOLS = 3
const UIN = '5283940617'
const FEW = 1
const MANY = 21
const VALUE_BYTES = 64
const MILLISECONDS_PER_SECOND = 1_000
const OPTIONS = { inFlight: 1, rounds: 10, sliceMilliseconds: 50, clock: 'processor' } as const
const UNIT = 'µs of CPU'
const GUESSING_MILLISECONDS = 1_000

/** Making a pool of keys, zero-knowledge encryption of a person's attributes at the issuer, a thief's guess. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const engine of ENGINES) {
    // The second database for the pool alone: encryption only reads from it.
    for (const profile of engine.dialect === 'sqlite' ? PROFILES : PROFILES.slice(0, 1)) {
      const world = await openVaultWorld(engine, profile)
      try {
        rows.push(...(await makePools(world, `${engine.name}, ${profile}`)))
        if (engine.dialect === 'sqlite') rows.push(...(await encrypt(world)))
      } finally {
        await world.dispose()
      }
    }
  }
  return [...rows, ...(await guesses())]
}

/** The first pool and further generations of it; the fastest, by the wall and by the processor. */
async function makePools({ issuer: { vault } }: VaultWorld, name: string): Promise<Row[]> {
  const seconds: number[] = []
  const processor: number[] = []
  for (let pool = 0; pool < POOLS; pool++) {
    const before = process.cpuUsage()
    const startedAt = performance.now()
    await (pool === 0 ? vault.createPool('bench') : vault.rotatePool('bench'))
    seconds.push((performance.now() - startedAt) / MILLISECONDS_PER_SECOND)
    const { user, system } = process.cpuUsage(before)
    processor.push((user + system) / POOL_KEYS)
  }
  const what = `pool of ${POOL_KEYS} keys, ${name}`
  return [
    measuredRow(what, Math.min(...seconds), 's'),
    measuredRow(`${what}: a key`, Math.min(...processor), UNIT),
  ]
}

/** One request of few and of many attributes: what they differ by is the cost of an attribute. */
async function encrypt(world: VaultWorld): Promise<Row[]> {
  const contestants = await Promise.all([FEW, MANY].map((count) => request(world, count)))
  const [few, many] = [...(await measure(contestants, OPTIONS)).values()] as [number, number]
  const name = `zkEncrypt, ${world.profile}`
  return [
    measuredRow(`${name}: an attribute of ${VALUE_BYTES} bytes`, (many - few) / (MANY - FEW), UNIT),
    measuredRow(`${name}: a request of ${FEW} attribute`, few, UNIT),
    measuredRow(`${name}: a request of ${MANY} attributes`, many, UNIT),
  ]
}

/** As MOSIP's call; in profile `keyhaven` as a credential is sealed, the person's secrets being derived. */
async function request({ profile, issuer }: VaultWorld, count: number): Promise<Contestant> {
  const value = Buffer.from(backend.randomBytes(VALUE_BYTES / 2)).toString('hex')
  const names = Array.from({ length: count }, (_, at) => `attribute${at}`)
  const name = String(count)
  if (profile === 'mosip') {
    const zkDataAttributes = names.map((identifier) => ({ identifier, value }))
    return { name, run: () => issuer.zk!.zkEncrypt({ id: UIN, zkDataAttributes }) }
  }
  const attributes = new Map(names.map((attribute) => [attribute, value]))
  const subject = await issuer.vault.subject(UIN, name)
  const place = { partner: IDA_PARTNER, policy: AUTH_POLICY, record: 'bench' }
  return { name, run: () => subject.seal(place, attributes) }
}

/** What a thief with everything can try in a second, in each profile. */
async function guesses(): Promise<Row[]> {
  const speed = async (profile: Profile) => {
    const { data } = await guessingCost(backend, {
      ...{ profile, stolen: { poolKey: true, oprfKey: true } },
      ...{ monotonic: () => performance.now(), measureMs: GUESSING_MILLISECONDS },
    })
    return data!.guessesPerSecond
  }
  const mosip = await speed('mosip')
  const unit = 'guesses/s'
  return [
    measuredRow('guesses of UINs, mosip', mosip, unit),
    measuredRow('guesses of UINs, keyhaven', await speed('keyhaven'), unit, { name: 'mosip', value: mosip }),
  ]
}
