import { describe, expect, test, vi } from 'vitest'
import type { Profile } from '../packages/identity/src/index.ts'
import { ENGINES, type Engine } from './kit/engines.ts'
import { checkIda, checkMain, readUins, secretsOf } from './kit/identity-kill-checks.ts'
import { checkOprf, rememberedOprfKey } from './kit/identity-kill-oprf.ts'
import { importedAt, type KillRun, runWithKills } from './kit/identity-kill-run.ts'
import { claimsOf, createVisits, type Visits } from './kit/identity-kill-visits.ts'
import { type IdentityProcesses, startIdentityProcesses } from './kit/identity-processes.ts'
import { searchEverything } from './kit/search-everything.ts'

/** `npm run soak` asks for more people, and for both profiles on both engines. */
const SOAK = process.env.SOAK_IDENTITY_PEOPLE
const PEOPLE = Number(SOAK ?? 20)
const KILLS = Math.max(4, Math.floor(PEOPLE / 7))
const SEED = Number(process.env.SOAK_IDENTITY_SEED ?? Math.floor(Math.random() * 1_000_000))
const IDA = 'mpartner-default-auth'
const TIMEOUT_MS = Math.max(480_000, KILLS * 60_000)

interface Run extends Engine {
  readonly profile: Profile
}

const [sqlite, postgres] = ENGINES as [Engine, Engine]
const GROUPS: readonly { readonly group: string; readonly runs: readonly Run[] }[] =
  SOAK === undefined
    ? [
        {
          group: 'a profile on each database',
          runs: [
            { ...sqlite, profile: 'mosip' },
            { ...postgres, profile: 'keyhaven' },
          ],
        },
      ]
    : (['mosip', 'keyhaven'] as const).map((profile) => ({
        group: profile,
        runs: ENGINES.map((engine) => ({ ...engine, profile })),
      }))

describe.each(GROUPS)('kill -9 of identity, $group', ({ runs }) => {
  // Half of the time nothing is worked on: leases of who died have to end. So both engines at the same time.
  test.concurrent.each(runs)(
    `each role, ${KILLS} times in all, ${PEOPLE} people, $profile on $name: nobody lost, doubled or half-issued`,
    { timeout: TIMEOUT_MS },
    async ({ name, dialect, profile }) => {
      const title = `kill -9 of identity, ${profile} on ${name}`
      process.stdout.write(`${title}: seed ${SEED}\n`)
      const system = await startIdentityProcesses({ name, dialect }, profile)
      try {
        process.stdout.write(`${title}: ${await killAndProve(system)}\n`)
      } finally {
        await system.dispose()
      }
    },
  )
})

/** @returns what was done, in words. */
async function killAndProve(system: IdentityProcesses): Promise<string> {
  const { main, ida, oprf } = system
  const bank = await system.bank('bank-1')
  const visits = createVisits(system, bank, SEED)
  let key: string | undefined
  const checkKey = async () => {
    const found = await checkOprf(oprf!.fixture)
    expect(found).toBe(key ?? found)
    key = found
  }
  const run = await runWithKills(system, {
    ...{ seed: SEED, people: PEOPLE, kills: KILLS, visit: visits.visit },
    async check(victim, { received, people }) {
      if (victim === main) visits.learn((await checkMain(main.fixture, [IDA], received)).uins)
      else visits.learn(await readUins(main.fixture))
      if (victim === ida) await checkIda(ida.fixture)
      if (victim !== oprf) return
      await checkKey()
      await visits.visitInVain(people)
    },
  })
  await rest(system)
  expect(run.received.size).toBe(PEOPLE)
  expect(await importedAt(system)).toBe(PEOPLE)

  // Whoever was acknowledged has one number, and the IDA knows it: without the main server.
  expect(await main.stop()).toBe(0)
  const { stages, uins } = await checkMain(main.fixture, [IDA], run.received)
  expect(stages).toEqual(new Map([['CREDENTIALS_ISSUED', PEOPLE]]))
  expect(new Set(uins.values()).size).toBe(PEOPLE)
  for (const { rid, fields } of run.packets) {
    const answer = await bank.authenticate(claimsOf(fields, uins.get(rid)!))
    expect(answer).toMatchObject({ authenticated: true, errors: [] })
  }
  expect(await ida.stop()).toBe(0)
  expect(await checkIda(ida.fixture)).toBe(PEOPLE)
  if (oprf !== undefined) {
    expect(await oprf.stop()).toBe(0)
    await checkKey()
    expect(key).toBeDefined()
    for (const { fixture } of [main, ida]) expect(await rememberedOprfKey(fixture)).toBe(key)
  }

  const secrets = run.packets.flatMap(({ rid, fields }) => secretsOf(fields, uins.get(rid)!))
  for (const { fixture, log } of system.roles) {
    expect(await searchEverything(fixture, [log()], secrets)).toMatchObject({ found: 0 })
  }
  const again = main.log().split('a credential has to be tried again').length - 1
  return `${report(run, visits)}; ${again} times a credential was tried again`
}

/** Waits until nothing is left to do: a credential that met no oblivious PRF waits as long again as it is old. */
async function rest({ main }: IdentityProcesses): Promise<void> {
  const queues = async () => (await main.admin('GET', '/applications/demo/identity/jobs')).body.items
  await vi.waitFor(async () => expect(await queues()).toEqual([]), { timeout: 240_000, interval: 250 })
}

function report(
  { told, cut, received }: KillRun,
  { counts: { yes, again, cut: unanswered } }: Visits,
): string {
  const counts = [...Map.groupBy(told, (kill) => kill)].map(([kill, all]) => `${all.length} ${kill}`)
  return (
    `${told.length} kills (${counts.join(', ')}), ${cut} calls cut or refused; meanwhile ${yes} authentications, ` +
    `${again} told to try again, ${unanswered} cut; ${received.size} people acknowledged, each authenticated at the IDA`
  )
}
