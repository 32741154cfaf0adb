import { expect, test, vi } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { checkIda, checkMain, secretsOf } from './kit/identity-kill-checks.ts'
import { importedAt, type KillRun, runWithKills } from './kit/identity-kill-run.ts'
import { type IdentityProcesses, startIdentityProcesses } from './kit/identity-processes.ts'
import { searchEverything } from './kit/search-everything.ts'

/** `npm run soak` asks for more. */
const PEOPLE = Number(process.env.SOAK_IDENTITY_PEOPLE ?? 20)
const KILLS = Math.max(4, Math.floor(PEOPLE / 7))
const SEED = Number(process.env.SOAK_IDENTITY_SEED ?? Math.floor(Math.random() * 1_000_000))
const IDA = 'mpartner-default-auth'
const TIMEOUT_MS = Math.max(480_000, KILLS * 30_000)

// Half of the time nothing is worked on: leases of who died have to end. So both engines at the same time.
test.concurrent.each(ENGINES)(
  `kill -9 of main server and IDA, ${KILLS} times, ${PEOPLE} people, on $name: nobody lost, doubled or half-issued`,
  { timeout: TIMEOUT_MS },
  async ({ name, dialect }) => {
    process.stdout.write(`kill -9 of identity on ${name}: seed ${SEED}\n`)
    const system = await startIdentityProcesses({ name, dialect }, 'mosip')
    try {
      const bank = await system.bank('bank-1')
      const run = await runWithKills(system, {
        ...{ seed: SEED, people: PEOPLE, kills: KILLS },
        async check({ role, fixture }, received) {
          if (role === 'main') await checkMain(fixture, [IDA], received)
          else await checkIda(fixture)
        },
      })
      await rest(system)
      expect(run.received.size).toBe(PEOPLE)
      expect(await importedAt(system)).toBe(PEOPLE)

      // Whoever was acknowledged has one number, and the IDA knows it: without the main server.
      expect(await system.main.stop()).toBe(0)
      const { stages, uins } = await checkMain(system.main.fixture, [IDA], run.received)
      expect(stages).toEqual(new Map([['CREDENTIALS_ISSUED', PEOPLE]]))
      expect(new Set(uins.values()).size).toBe(PEOPLE)
      for (const { rid, fields } of run.packets) {
        const demographics = { name: fields.fullName as never, dob: String(fields.dateOfBirth) }
        const answer = await bank.authenticate({ id: uins.get(rid)!, demographics })
        expect(answer).toMatchObject({ authenticated: true, errors: [] })
      }
      expect(await system.ida.stop()).toBe(0)
      expect(await checkIda(system.ida.fixture)).toBe(PEOPLE)

      const secrets = run.packets.flatMap(({ rid, fields }) => secretsOf(fields, uins.get(rid)!))
      for (const { fixture, log } of system.roles) {
        expect(await searchEverything(fixture, [log()], secrets)).toMatchObject({ found: 0 })
      }
      process.stdout.write(`${report(name, run)}\n`)
    } finally {
      await system.dispose()
    }
  },
)

/** Waits until nothing is left to do. */
async function rest({ main }: IdentityProcesses): Promise<void> {
  const queues = async () => (await main.admin('GET', '/applications/demo/identity/jobs')).body.items
  await vi.waitFor(async () => expect(await queues()).toEqual([]), { timeout: 120_000, interval: 250 })
}

function report(engine: string, { told, cut, received }: KillRun): string {
  const counts = [...Map.groupBy(told, (kill) => kill)].map(([kill, all]) => `${all.length} ${kill}`)
  return (
    `kill -9 of identity on ${engine}: ${told.length} kills (${counts.join(', ')}), ${cut} calls cut or refused; ` +
    `${received.size} people acknowledged, each authenticated at the IDA`
  )
}
