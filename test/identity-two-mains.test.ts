import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { checkIda, checkMain } from './kit/identity-kill-checks.ts'
import { importedAt } from './kit/identity-kill-run.ts'
import { type RoleProcess, startIdentityProcesses } from './kit/identity-processes.ts'

const IDA = 'mpartner-default-auth'
const PEOPLE = 14
const CLIENTS = 4
const CUT_MS = 700
const POSTGRES = ENGINES.find(({ dialect }) => dialect === 'postgres')!

test('two main servers on one PostgreSQL, and cuts between them and the IDA: each job once, each event once and in order', {
  timeout: 400_000,
}, async () => {
  const system = await startIdentityProcesses(POSTGRES, 'mosip')
  try {
    const { main, ida } = system
    const beside = await main.startBeside()
    const urls = [main.listenerUrl, beside.url]
    const received = new Set<string>()
    let next = 0
    const client = async () => {
      for (let person = next++; person < PEOPLE; person = next++) {
        const packet = await system.packet(`Example Person ${person}`, person)
        await system.upload(packet, urls[person % urls.length])
        received.add(packet.rid)
      }
    }
    const uploads = Promise.all(Array.from({ length: CLIENTS }, client))
    const imported = async (count: number) =>
      expect.poll(() => importedAt(system), { timeout: 120_000, interval: 50 }).toBeGreaterThanOrEqual(count)
    // Events do not arrive; later, shares cannot be read. Nobody but the network mends it.
    await imported(3)
    ida.proxy.cut(true)
    await setTimeout(CUT_MS)
    ida.proxy.restore()
    await imported(8)
    main.proxy.cut(true)
    await setTimeout(CUT_MS)
    main.proxy.restore()
    await uploads
    await imported(PEOPLE)
    const queues = async () => (await main.admin('GET', '/applications/demo/identity/jobs')).body.items
    await expect.poll(queues, { timeout: 120_000, interval: 250 }).toEqual([])

    expect(await beside.process.stop()).toBe(0)
    for (const role of system.roles) expect(await role.stop()).toBe(0)
    const { stages } = await checkMain(main.fixture, [IDA], received)
    expect(stages).toEqual(new Map([['CREDENTIALS_ISSUED', PEOPLE]]))
    expect(await checkIda(ida.fixture)).toBe(PEOPLE)
    // One share for each credential: a job that two had taken would have made two. A cut may have used one up.
    const [shares, issued] = [await audited(main, 'share.create'), await audited(main, 'credential.issue')]
    expect(shares.length).toBe(issued.length)
    expect(issued.filter(({ detail }) => detail.again === undefined).length).toBe(PEOPLE)
    const imports = (await audited(ida, 'ida.import')).map(({ detail }) => detail.event)
    expect(imports).toEqual(await eventsOf(main))
  } finally {
    await system.dispose()
  }
})

/** Oldest first. */
async function audited({ fixture }: RoleProcess, action: string) {
  const state = await fixture.open({ schedule: false })
  try {
    return [...(await state.audit.list({ action }, { limit: 500 })).items].reverse()
  } finally {
    await state.close()
  }
}

/** Ids of the events about credentials, in the order in which they were published. */
async function eventsOf({ fixture }: RoleProcess): Promise<string[]> {
  const state = await fixture.open({ schedule: false })
  try {
    const rows = await state.db
      .selectFrom('identity_events')
      .select('body')
      .where('topic', '=', 'CREDENTIAL_ISSUED')
      .orderBy('sequence')
      .execute()
    return rows.map(({ body }) => JSON.parse(body).event.id)
  } finally {
    await state.close()
  }
}
