import { randomBytes } from 'node:crypto'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { backend, toBase64url } from '@keyhaven/crypto'
import { drawUin, type Profile } from '@keyhaven/identity'
import { type GuessEffort, type GuessingCost, guessingCost } from '@keyhaven/identity/service'
import { oprfInput } from '../../packages/identity/src/oprf/person-secrets.ts'
import { blindInput } from '../../packages/identity/src/oprf/voprf.ts'
import { hashOf, type Loot, openName, openStolen, oprfKeyOf, poolOf, readDatabase } from './identity-loot.ts'
import type { Cast } from './identity-people.ts'
import { APPLICATION, type IdentityScene } from './identity-scene.ts'
import type { Numbered } from './identity-shares.ts'
import type { KeyServer } from './key-server.ts'

/** Numbers that a thief tries besides those of the people. */
const GUESSES: Readonly<Record<Profile, number>> = { mosip: 1_000, keyhaven: 100 }
const MEASURE_MS = 300
const DATABASE = 'keyhaven.db'

/** While all of it still runs: somebody with IDA's token asks the oblivious PRF. */
export async function askWithToken({ tour, oprf, ida }: IdentityScene, { newcomer }: Cast, uin: string) {
  if (oprf === undefined) return
  const { blinded } = await blindInput(oprfInput(APPLICATION, uin))
  const authentication = {
    digest: toBase64url(randomBytes(32)),
    signature: toBase64url(randomBytes(256)),
    certificates: [toBase64url(newcomer.certificate.der)],
  }
  const answer = await fetch(`${oprf.identityUrl}/oprf/v1/evaluate`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ida.settings.KEYHAVEN_OPRF_TOKEN}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ version: 1, orders: [{ element: toBase64url(blinded), authentication }] }),
  })
  const { code } = (await answer.json()) as { code?: string }
  tour.claim(
    answer.status === 403 && code === 'ACCESS_DENIED',
    `somebody with IDA's token asks the oblivious PRF: ${code}, since no partner has signed a request`,
  )
}

/** Takes IDA's database, then the pool key, then the key of the oblivious PRF; what each of them gives. */
export async function theft(scene: IdentityScene, people: readonly Numbered[]): Promise<void> {
  const { tour, profile, ida, oprf, folder } = scene
  tour.chapter(
    `${profile} 5. A thief has IDA's database, then the pool key, then the key of the oblivious PRF`,
  )
  const stolen = join(folder, profile, 'stolen')
  await cp(ida.dataDir, join(stolen, 'ida'), { recursive: true })
  const states: { close(): unknown }[] = []
  const open = async (server: KeyServer, dataDir: string) => {
    const opened = await openStolen(scene, server, dataDir)
    states.push(opened)
    return opened
  }
  try {
    const database = readDatabase(profile, join(stolen, 'ida', DATABASE))
    tour.say(
      `${database.records.size} records, ${database.attributes.sealed} sealed attributes, ` +
        `${database.attributes.clear} in clear`,
    )
    const numbers = people.map(({ uin }) => uin)
    const more = Array.from({ length: GUESSES[profile] }, () => drawUin(backend))
    const candidates = [...more, ...numbers]
    const names = new Set(people.map(({ person }) => JSON.stringify(person.fields.fullName)))
    const report = (what: string, loot: Loot, expected: { enrolled: number; read: number }) =>
      tryOut(scene, what, loot, { candidates, names, expected })

    const all = people.length
    const isOpen = profile === 'mosip'
    await report("IDA's database", database, { enrolled: isOpen ? all : 0, read: 0 })
    tour.say('the pool key K18: with its folder, and the HSM token and its PIN where there is one')
    const poolKey = await poolOf(profile, await open(ida, join(stolen, 'ida')))
    const withPool = { ...database, poolKey }
    await report('… and the pool key', withPool, { enrolled: isOpen ? all : 0, read: isOpen ? all : 0 })
    if (oprf === undefined) {
      tour.say('there is no oblivious PRF in this profile')
      return
    }
    await cp(oprf.dataDir, join(stolen, 'oprf'), { recursive: true })
    const oprfKey = await oprfKeyOf(await open(oprf, join(stolen, 'oprf')))
    await report('… and the key of the OPRF', { ...withPool, oprfKey }, { enrolled: all, read: all })
  } finally {
    for (const state of states) await state.close()
  }
}

interface Attempt {
  readonly candidates: readonly string[]
  readonly names: ReadonlySet<string>
  readonly expected: { readonly enrolled: number; readonly read: number }
}

async function tryOut(
  { tour, profile }: IdentityScene,
  what: string,
  loot: Loot,
  { candidates, names, expected }: Attempt,
): Promise<void> {
  let [enrolled, read] = [0, 0]
  for (const uin of candidates) {
    const found = loot.records.get(await hashOf(loot, uin))
    if (found !== undefined) enrolled += 1
    // Who is not found is tried all the same, on everybody's name, when there is only one.
    const record = found ?? loot.records.values().next().value
    if (record === undefined || loot.poolKey === undefined) continue
    const name = await openName(loot, uin, record).catch(() => undefined)
    if (name !== undefined && names.has(name)) read += 1
  }
  const cost = await guessingCost(backend, {
    ...{ profile, monotonic: () => performance.now(), measureMs: MEASURE_MS },
    stolen: { poolKey: loot.poolKey !== undefined, oprfKey: loot.oprfKey !== undefined },
  })
  const isAsSaid =
    (cost.enrolled !== undefined) === expected.enrolled > 0 && (cost.data !== undefined) === expected.read > 0
  tour.claim(
    enrolled === expected.enrolled && read === expected.read && isAsSaid,
    `${what}: of ${candidates.length} guessed UINs ${enrolled} are seen to be enrolled, the names of ${read} ` +
      `are read; ${costText(cost)}`,
  )
}

function costText({ enrolled, data }: GuessingCost): string {
  const all = (effort: GuessEffort) =>
    `${Math.round(effort.guessesPerSecond).toLocaleString('en')} guesses a second on one core, all ` +
    `${(effort.candidates / 1e6).toFixed(0)} million UINs in ${duration(effort.seconds)}`
  if (enrolled === undefined) return 'guessing gives nothing, however long'
  return `${all(enrolled)}: ${data === undefined ? 'who is enrolled, and no data' : "everybody's data"}`
}

function duration(seconds: number): string {
  const units = [
    ['days', 86_400],
    ['hours', 3_600],
    ['minutes', 60],
  ] as const
  const [unit, length] = units.find(([, size]) => seconds >= 2 * size) ?? ['seconds', 1]
  return `${(seconds / length).toFixed(1)} ${unit}`
}
