import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDiskStore } from '../packages/server/src/platform/objects/disk-store.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import {
  openTestRegistrations,
  saveCertificates,
  setUpStation,
  simulatedPacket,
} from '../packages/server/test/fixtures/registration-parts.ts'
import { createStateFixture, ENGINES } from './kit/engines.ts'
import { expectRegistrationsWhole } from './kit/identity-kill-checks.ts'
import { killWorkers } from './kit/killed-worker.ts'

/** `npm run soak` asks for more. */
const KILLS = Number(process.env.SOAK_IDENTITY_KILLS ?? 5)
const PEOPLE = KILLS * 3
const MAX_LINES = 10
/** About as long as one registration takes. */
const OPERATION_MS = 60
/** Within what a machine's clock may be ahead. */
const AHEAD_MS = 200_000
const WORKER = fileURLToPath(new URL('fixtures/process-registrations.ts', import.meta.url))
const TIMEOUT_MS = Math.max(240_000, KILLS * 20_000)

describe('kill -9 while people are registered', () => {
  let packets: string
  beforeAll(async () => {
    packets = mkdtempSync(join(tmpdir(), 'keyhaven-packets-'))
    await saveCertificates(join(packets, 'certificates.json'))
    for (let person = 0; person < PEOPLE; person++) {
      // Made after officer and machine were entered, which is still to come.
      const at = Date.now() + AHEAD_MS
      const { fileName, bytes } = await simulatedPacket(`Example Person ${person}`, person, { at })
      writeFileSync(join(packets, fileName), bytes)
    }
  }, TIMEOUT_MS)
  afterAll(() => rmSync(packets, { recursive: true }))

  test.each(ENGINES)(
    `${KILLS} times, ${PEOPLE} people, on $name: nobody lost, doubled or half-issued`,
    async (engine) => {
      const fixture = await createStateFixture(engine)
      const objects = join(fixture.folder, 'objects')
      const issued = join(fixture.folder, 'issued')
      try {
        const first = await fixture.open({ schedule: false })
        const { registrations } = await openTestRegistrations(
          first,
          createDiskStore(objects),
          none,
          {},
          'mosip',
        )
        await setUpStation(registrations)
        await first.close()

        const received = new Set<string>()
        const env = { ...fixture.env, PACKETS: packets, OBJECTS: objects, ISSUED: issued }
        const cutInside = await killWorkers(
          { ...fixture, env },
          {
            ...{ kills: KILLS, worker: WORKER, maxLines: MAX_LINES, operationMs: OPERATION_MS },
            done: ([kind, rid]) => {
              if (kind === 'receive') received.add(rid!)
            },
            check: (state) => check(state, objects, issued, received),
          },
        )

        // What was begun is ended by whoever comes next.
        const state = await fixture.open({ schedule: false })
        const last = await openTestRegistrations(
          state,
          createDiskStore(objects),
          { issue: async ({ rid, uin }) => appendFileSync(issued, `${rid} ${uin}\n`) },
          {},
          'mosip',
        )
        const runner = last.registrations.run(
          (error) => {
            throw error
          },
          { lease: 500 },
        )
        await vi.waitFor(async () => expect(await last.jobs.progress()).toEqual([]), {
          timeout: 60_000,
          interval: 50,
        })
        await runner.stop()
        const counts = await last.registrations.counts()
        expect(counts.get('CREDENTIALS_ISSUED')).toBe(
          [...counts.values()].reduce((sum, count) => sum + count, 0),
        )
        const all = readIssued(issued)
        expect(new Set(all.values()).size).toBe(counts.get('CREDENTIALS_ISSUED'))
        for (const [rid, uin] of all) expect(await last.repository.uinOf(rid)).toBe(uin)
        await check(state, objects, issued, received)
        process.stdout.write(
          `kill -9 of registration on ${engine.name}: ${KILLS} kills, ${cutInside} while a packet came in, ` +
            `${received.size} acknowledged, ${all.size} people with a number each\n`,
        )
      } finally {
        await fixture.dispose()
      }
    },
    TIMEOUT_MS,
  )
})

const none = { issue: async () => {} }

function readIssued(file: string): Map<string, string> {
  const log = new Map<string, string>()
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const [rid, uin] = line.split(' ')
    if (rid === undefined || uin?.length !== 10) continue
    // Asked for twice perhaps, and never for another number.
    expect(log.get(rid) ?? uin).toBe(uin)
    log.set(rid, uin)
  }
  return log
}

/** What holds at every moment. */
async function check(
  state: State,
  objects: string,
  issuedFile: string,
  received: ReadonlySet<string>,
): Promise<void> {
  const { repository } = await openTestRegistrations(state, createDiskStore(objects), none, {}, 'mosip')
  await expectRegistrationsWhole(state, repository, received)
  const issued = readIssued(issuedFile)
  const registrations = await state.db.selectFrom('identity_registrations').select(['rid', 'stage']).execute()
  for (const { rid, stage } of registrations) {
    if (stage === 'CREDENTIALS_ISSUED') expect(issued.has(rid)).toBe(true)
  }
  const records = await state.db.selectFrom('identity_records_mosip').select(['rid', 'status']).execute()
  for (const [rid] of issued) expect(records.find((row) => row.rid === rid)?.status).toBe('ACTIVATED')
}
