import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { createConversations } from '../packages/server/src/conversations/conversations.ts'
import { openDirectories } from '../packages/server/src/directory/directories.ts'
import { APP } from '../packages/server/test/fixtures/conversation-people.ts'
import { createStateFixture, type StateFixture } from './kit/engines.ts'
import { startLimitedPostgres } from './kit/postgres.ts'

/** Room for the empty tables and the journal of their making, and for some hundred receipts. */
const FILE_KILOBYTES = 3_000
/** Of PostgreSQL's own tables the largest has 1 MB. No multiple of its pages: see `startLimitedPostgres`. */
const POSTGRES_FILE_KILOBYTES = 2_004
const MAX_OUTPUT_BYTES = 50_000_000
const WORKER = fileURLToPath(new URL('fixtures/release-until-full.ts', import.meta.url))
const run = promisify(execFile)

let fixture: StateFixture
afterEach(() => fixture?.dispose())

/** Releases until nothing can be written any more. @param limit - shell that comes before. */
async function releaseUntilFull(limit: string): Promise<string> {
  const { stdout } = await run('bash', ['-c', `${limit} exec "${process.execPath}" "${WORKER}"`], {
    env: { ...process.env, ...fixture.env },
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  return stdout
}

// A limit on the size of files (RLIMIT_FSIZE) makes write(2) fail as a full disk does.
test('on a full disk no key is given out without its receipt, and it goes on afterwards: SQLite', async () => {
  fixture = await createStateFixture({ name: 'SQLite', dialect: 'sqlite' })
  await expectReceipts(await releaseUntilFull(`ulimit -f ${FILE_KILOBYTES}; trap '' XFSZ;`))
})

test('on a full disk no key is given out without its receipt, and it goes on afterwards: PostgreSQL', async () => {
  const postgres = await startLimitedPostgres(POSTGRES_FILE_KILOBYTES)
  const { url } = await postgres.createDatabase()
  fixture = await createStateFixture({ name: 'SQLite', dialect: 'sqlite' }, { KEYHAVEN_DATABASE_URL: url })
  const output = await releaseUntilFull('')
  const log = await postgres.log()
  expect(log).toMatch(/could not extend file .*: wrote only/)
  expect(log).not.toContain('PANIC')
  await postgres.liftLimit()
  await expectReceipts(output)
})

/** @param output - of the worker, when there is room again. */
async function expectReceipts(output: string): Promise<void> {
  const [chat, ...lines] = output.trim().split('\n')
  const [, username, device, key] = chat!.split(' ') as [string, string, string, string]
  const released = lines.flatMap((line) => (line.startsWith('released ') ? [line.split(' ')[1]!] : []))
  const failed = lines.filter((line) => line.startsWith('failed '))
  expect(released.length).toBeGreaterThan(0)
  expect(new Set(failed)).toEqual(new Set(['failed STORE_UNAVAILABLE']))

  const state = await fixture.open({ schedule: false })
  const onError = (error: unknown) => {
    throw error
  }
  const directories = await openDirectories({ state, clock: Date.now, onError })
  const read = () => state.db.selectFrom('conversation_receipts').selectAll().orderBy('sequence').execute()
  // The first is of the key's making; each other one of a release that was answered.
  const [made, ...receipts] = await read()
  expect(JSON.parse(made!.item)).toMatchObject({ rule: 'made' })
  expect(receipts.map(({ opening }) => opening).sort()).toEqual(released.sort())
  expect(await state.audit.verify()).toMatchObject({ valid: true })

  const service = await createConversations({ state, directories, clock: Date.now }).open(APP)
  expect((await service.release(APP, { username, device }, key)).id).toBe(key)
  expect(await read()).toHaveLength(receipts.length + 2)
  await directories.close()
}
