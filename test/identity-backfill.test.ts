import { certificateToPem } from '@keyhaven/identity'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { type BackfillParts, createBackfills } from '../packages/server/src/identity/backfill/backfills.ts'
import { BACKFILL_QUEUE } from '../packages/server/src/identity/backfill/plan-backfill.ts'
import { CREDENTIAL_QUEUE } from '../packages/server/src/identity/credentials/credential-store.ts'
import type { JobRunner } from '../packages/server/src/platform/jobs/job.ts'
import { createJobs } from '../packages/server/src/platform/jobs/jobs.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  MANAGER,
  openRegistrationWorld,
  type RegistrationWorld,
} from './kit/identity-registration.ts'

const IDA = 'ida-1'
const GROUP = 'mpolicygroup-default-auth'
const POLICY = 'mpolicy-default-auth'
const BY = 'token:test'
/** More than a page. */
const PEOPLE = 230
const SOON = { timeout: 60_000, interval: 20 }

describe.each(ENGINES)('an IDA that comes after people, on $name', (engine) => {
  let world: RegistrationWorld
  const runners: JobRunner[] = []
  beforeEach(async () => {
    world = await openRegistrationWorld(engine, false)
  })
  afterEach(async () => {
    for (const runner of runners.splice(0)) await runner.stop()
    await world.dispose()
  })

  const enrol = async (count: number, from = 0): Promise<string[]> => {
    const uins: string[] = []
    for (let n = from; n < from + count; n++) {
      const rid = `rid-${String(n).padStart(4, '0')}`
      const { uin } = await world.main.repository.giveUin(rid)
      await world.main.repository.add({ rid, identity: { UIN: uin }, files: [] })
      uins.push(uin)
    }
    return uins
  }
  const certificate = async () => {
    const { certificate } = await testHolder(3, { subject: { commonName: 'IDA', organisation: 'IDA' } })
    await world.main.vault.recipients.add(IDA, certificate.der, BY)
  }
  const joinIda = async () => {
    await world.partner(IDA, 'Online_Verification_Partner', GROUP, 2)
    await world.subscribe(IDA, POLICY)
    await certificate()
  }
  const parts = (over: Partial<BackfillParts> = {}): BackfillParts => ({
    ...{ state: world.state, applicationId: APPLICATION, jobs: world.main.jobs, clock: Date.now },
    ...{ partners: world.main.partners.store, recipients: world.main.vault.recipients },
    ...{ repository: world.main.repository, credentials: world.main.credentials, ...over },
  })
  /** A process that works on backfills. @returns what failed in it. */
  const work = (over: Partial<BackfillParts> = {}): unknown[] => {
    const failures: unknown[] = []
    runners.push(createBackfills(parts(over)).run((error) => failures.push(error), { lease: 500 }))
    return failures
  }
  const jobs = async (queue = BACKFILL_QUEUE) =>
    (await world.state.db.selectFrom('identity_jobs').select('id').where('queue', '=', queue).execute())
      .length
  const ended = () => vi.waitUntil(async () => (await jobs()) === 0, SOON)
  const requests = async () =>
    (await world.state.db.selectFrom('identity_credentials').select('request_id').execute()).map(
      ({ request_id }) => request_id,
    )
  const audited = async (action: string) =>
    (await world.state.audit.list({ action })).items.map(({ actor, subject, detail }) => ({
      actor,
      subject,
      detail,
    }))
  const [progress, start] = [
    () => world.main.backfills.list(),
    (partner = IDA) => world.main.backfills.start(partner, BY),
  ]

  test('gets credentials of everybody and of their VIDs, page by page, once, though processes die', async () => {
    const [uin = '', second = '', third = ''] = await enrol(PEOPLE)
    await world.main.repository.createVid(uin, 'Perpetual', BY)
    await world.main.repository.createVid(uin, 'Temporary', BY)
    await world.main.repository.setStatus(second, 'UIN', 'BLOCKED', BY)
    await world.main.repository.setStatus(third, 'UIN', 'DEACTIVATED', BY)
    await joinIda()
    // The first one dies in the first page, the second one in the second: each has ordered something by then.
    let pages = 0
    const dying: BackfillParts['credentials'] = {
      async requestAll(...orders) {
        pages++
        if (pages % 2 === 1) {
          await world.main.credentials.requestAll(orders[0].slice(0, 7), orders[1])
          throw new Error('killed')
        }
        await world.main.credentials.requestAll(...orders)
      },
    }
    const first = work({ credentials: dying })
    await vi.waitUntil(() => first.length > 0, SOON)
    expect((await progress())[0]).toMatchObject({ state: 'running', people: 0, total: PEOPLE - 2 })
    await vi.waitUntil(() => first.length > 1, SOON)
    expect((await progress())[0]).toMatchObject({ state: 'running', people: 200 })
    await ended()
    const ordered = await requests()
    expect(ordered).toHaveLength(PEOPLE - 2 + 2)
    expect(new Set(ordered.map((id) => id.slice(0, 'rid-0000'.length))).size).toBe(PEOPLE - 2)
    expect(ordered.every((id) => id.endsWith(`-${IDA}-${POLICY}`))).toBe(true)
    expect(await jobs(CREDENTIAL_QUEUE)).toBe(ordered.length)
    expect(await progress()).toMatchObject([
      {
        partner: IDA,
        policyId: POLICY,
        state: 'done',
        people: PEOPLE - 2,
        waiting: PEOPLE,
        issued: 0,
        failed: 0,
      },
    ])
    const entry = { subject: IDA, detail: { policy: POLICY, people: PEOPLE - 2 } }
    expect(await audited('vault.backfill.start')).toEqual([{ actor: 'token:manager', ...entry }])
    expect(await audited('vault.backfill.finish')).toEqual([{ actor: 'system', ...entry }])
  })

  test('two processes at once, and a second start meanwhile, order each credential once', async () => {
    await enrol(40)
    await joinIda()
    const other = createJobs(world.state, Date.now)
    const failures = [work(), work({ jobs: other })]
    await start()
    await ended()
    expect(failures.flat()).toEqual([])
    expect(await requests()).toHaveLength(40)
    expect(await jobs(CREDENTIAL_QUEUE)).toBe(40)
    expect(await progress()).toMatchObject([{ state: 'done', people: 40 }])
  })

  test('begins with the last thing that the IDA lacked, whichever it is', async () => {
    await enrol(1)
    const organisation = `${IDA} Ltd`
    const { partners, certificates } = world.main.partners
    const type = 'Online_Verification_Partner'
    await partners.register({ id: IDA, type, organisation, groupId: GROUP }, MANAGER)
    work()
    const lacks = async (what: string) => {
      await ended()
      expect(await progress()).toEqual([])
      await expect(start()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(what),
      })
    }
    await certificate()
    await lacks('not active')
    const holder = await testHolder(2, {
      issuedBy: world.authority,
      subject: { commonName: IDA, organisation },
    })
    await certificates.uploadCertificate(IDA, certificateToPem(holder.certificate), MANAGER)
    await partners.setActive(IDA, true, 'a test', MANAGER)
    await lacks('no subscription')
    await world.subscribe(IDA, POLICY)
    await vi.waitUntil(async () => (await progress())[0]?.state === 'done', SOON)
    expect(await requests()).toHaveLength(1)
    await expect(start('stranger')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await world.partner('print', 'Print_Partner', 'mpolicygroup-default-print', 3)
    await expect(start('print')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a printer that comes later gets nobody by itself', async () => {
    await enrol(1)
    await world.partner('print', 'Print_Partner', 'mpolicygroup-default-print', 3)
    await world.subscribe('print', 'mpolicy-default-euin')
    expect(await jobs()).toBe(0)
  })

  test('stops when the IDA may not have them any more, and begins anew when it may', async () => {
    await enrol(3)
    await joinIda()
    const { partners } = world.main.partners
    const page: BackfillParts['repository'] = {
      ...world.main.repository,
      async numbersOf(record) {
        await partners.setActive(IDA, false, 'a test', MANAGER)
        throw new Error(`killed at ${record}`)
      },
    }
    const [broken] = [work({ repository: page })]
    await vi.waitUntil(() => broken.length > 0, SOON)
    await runners.pop()!.stop()
    work()
    await ended()
    expect(await progress()).toMatchObject([{ state: 'stopped', people: 0, waiting: 0 }])
    await partners.setActive(IDA, true, 'a test', MANAGER)
    await ended()
    expect(await progress()).toMatchObject([{ state: 'done', people: 3, waiting: 3 }])
  })

  test('a credential that failed is tried again by hand, one that waits or is issued is not', async () => {
    await enrol(3)
    await joinIda()
    work()
    await ended()
    const [failed = '', issued = ''] = (await requests()).sort()
    const set = (request: string, state: string) =>
      world.state.db
        .updateTable('identity_credentials')
        .set({ state })
        .where('request_id', '=', request)
        .execute()
    await set(failed, 'FAILED')
    await set(issued, 'ISSUED')
    await world.state.db.deleteFrom('identity_jobs').where('order_key', 'in', [failed, issued]).execute()
    await start()
    await ended()
    expect(await progress()).toMatchObject([{ state: 'done', failed: 0, waiting: 2, issued: 1 }])
    expect(await jobs(CREDENTIAL_QUEUE)).toBe(2)
  })

  test('lets the credentials of new people through: it waits while a thousand wait', async () => {
    await enrol(1)
    await joinIda()
    await world.state.transaction(async (transaction) => {
      for (let n = 0; n < 1_001; n++) {
        const payload = { request: `other-${n}` }
        await world.main.jobs.enqueue(transaction, {
          queue: CREDENTIAL_QUEUE,
          applicationId: APPLICATION,
          payload,
        })
      }
    })
    work()
    await vi.waitUntil(async () => (await progress()).length === 1, SOON)
    await vi.waitUntil(async () => {
      const rows = await world.state.db
        .selectFrom('identity_jobs')
        .selectAll()
        .where('queue', '=', BACKFILL_QUEUE)
        .execute()
      return rows.some(({ not_before, created_at }) => not_before > created_at)
    }, SOON)
    expect(await progress()).toMatchObject([{ state: 'running', people: 0 }])
    await world.state.db.deleteFrom('identity_jobs').where('queue', '=', CREDENTIAL_QUEUE).execute()
    await ended()
    expect(await progress()).toMatchObject([{ state: 'done', people: 1 }])
  })
})
