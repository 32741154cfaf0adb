import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { ENGINES, type Engine } from './kit/engines.ts'
import { checkIda, checkMain } from './kit/identity-kill-checks.ts'
import { importedAt } from './kit/identity-kill-run.ts'
import { type IdentityProcesses, type RoleProcess, startIdentityProcesses } from './kit/identity-processes.ts'
import { startPostgres } from './kit/postgres.ts'

const IDA = 'mpartner-default-auth'
/** Who comes before, and while nothing can be written. */
const BEFORE = 2
const PEOPLE = 8
/** Less than a page of a database. */
const ROOM_BYTES = 1_024
const SOON = { timeout: 120_000, interval: 200 }
const run = promisify(execFile)

test.concurrent.each(ENGINES)(
  'nobody is lost while the IDA cannot write, and it goes on by itself when it can, on $name',
  { timeout: 400_000 },
  async (engine) => {
    const system = await startIdentityProcesses(engine, 'mosip')
    try {
      const { main, ida } = system
      const bank = await system.bank('bank-1')
      const imported = (count: number) =>
        vi.waitFor(async () => expect(await importedAt(system)).toBe(count), SOON)
      const received = new Set<string>()
      const packets = []
      for (let person = 0; person < PEOPLE; person++) {
        const packet = await system.packet(`Example Person ${person}`, person)
        await system.upload(packet)
        received.add(packet.rid)
        packets.push(packet)
        if (person !== BEFORE - 1) continue
        await imported(BEFORE)
        await refuseWrites(engine, ida, true)
      }
      // Tried more often than a share can be read.
      await vi.waitFor(async () => expect(await refusals(system)).toBeGreaterThanOrEqual(3), SOON)
      expect(await importedAt(system)).toBe(BEFORE)
      await refuseWrites(engine, ida, false)
      await imported(PEOPLE)

      expect(await main.stop()).toBe(0)
      const { uins } = await checkMain(main.fixture, [IDA], received)
      for (const { rid, fields } of packets) {
        const demographics = { name: fields.fullName as never, dob: String(fields.dateOfBirth) }
        const answer = await bank.authenticate({ id: uins.get(rid)!, demographics })
        expect(answer).toMatchObject({ authenticated: true, errors: [] })
      }
      expect(await ida.stop()).toBe(0)
      expect(await checkIda(ida.fixture)).toBe(PEOPLE)
    } finally {
      await system.dispose()
    }
  },
)

/** How often the webhook has refused the event that is next. */
async function refusals({ main }: IdentityProcesses): Promise<number> {
  const { items } = (await main.admin('GET', '/applications/demo/identity/events?limit=200')).body
  const said = items.filter(({ failure }: { failure: string }) => failure.includes('503'))
  return Math.max(0, ...said.map(({ attempts }: { attempts: number }) => attempts))
}

/**
 * SQLite: a limit on the size of files (RLIMIT_FSIZE) makes write(2) fail as a full disk does. PostgreSQL: it takes
 * nothing but reads, as a standby that has become the only one.
 */
async function refuseWrites({ dialect }: Engine, ida: RoleProcess, refuse: boolean): Promise<void> {
  const { database } = ida.fixture.config
  if (database.dialect === 'sqlite') {
    const limit = refuse ? ROOM_BYTES : 'unlimited'
    await run('prlimit', ['--pid', String(ida.pid()), `--fsize=${limit}:unlimited`])
    return
  }
  expect(dialect).toBe('postgres')
  const name = new URL(database.url).pathname.slice(1)
  const { query } = await startPostgres()
  await query(`alter database ${name} set default_transaction_read_only = ${refuse ? 'on' : 'off'}`)
  // So it is for connections made from now on.
  await query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
}
