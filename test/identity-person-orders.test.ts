import { fromUtf8 } from '@keyhaven/crypto'
import { openHybrid } from '@keyhaven/identity'
import type { CredentialOrder } from '@keyhaven/identity/service'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { backend } from '../packages/crypto/src/node/index.ts'
import { PERSON_QUEUE } from '../packages/server/src/identity/credentials/person-orders.ts'
import type { JobRunner } from '../packages/server/src/platform/jobs/job.ts'
import { ENGINES } from './kit/engines.ts'
import { openRegistrationWorld, type RegistrationWorld } from './kit/identity-registration.ts'
import { openVaultWorld } from './kit/identity-vault.ts'

const BY = 'token:test'
const IDA = 'ida-1'
const POLICY = 'mpolicy-default-auth'
const HALF_AN_HOUR_MS = 30 * 60_000
const SOON = { timeout: 60_000, interval: 20 }

// Whoever changes a person and dies at once: what IDAs have to hear is planned with the change, and nothing runs here
// by itself.
describe.each(ENGINES)('what IDAs hear of a person, on $name', (engine) => {
  let world: RegistrationWorld
  const runners: JobRunner[] = []
  beforeEach(async () => {
    world = await openRegistrationWorld(engine, false)
    await world.partner(IDA, 'Online_Verification_Partner', 'mpolicygroup-default-auth', 2)
    await world.partner('print', 'Print_Partner', 'mpolicygroup-default-print', 3)
    await world.subscribe(IDA, POLICY)
    await world.subscribe('print', 'mpolicy-default-euin')
  })
  afterEach(async () => {
    for (const runner of runners.splice(0)) await runner.stop()
    await world.dispose()
  })

  const enrol = async (rid: string) => {
    const { uin, record } = await world.main.repository.giveUin(rid)
    await world.main.repository.add({ rid, identity: { UIN: uin }, files: [] })
    return { uin, record }
  }
  const planned = () =>
    world.state.db
      .selectFrom('identity_jobs')
      .select(['queue', 'payload'])
      .where('queue', '=', PERSON_QUEUE)
      .execute()
  const orders = async (): Promise<(CredentialOrder & { readonly row: string })[]> => {
    const rows = await world.state.db
      .selectFrom('identity_credentials')
      .select(['request_id', 'sealed_order'])
      .execute()
    const opener = world.main.keys.opener({ appId: 'ID_REPO', refId: 'credential_request' })
    const opened = await Promise.all(
      rows.map(async (row) => ({
        ...JSON.parse(fromUtf8(await openHybrid(backend, opener, new Uint8Array(row.sealed_order)))),
        row: row.request_id,
      })),
    )
    const place = ({ row, idType }: (typeof opened)[number]) => `${row.slice(0, 'rid-1'.length)} ${idType}`
    return opened.sort((a, b) => (place(a) < place(b) ? -1 : 1))
  }
  /** Another process, later. */
  const work = async () => {
    runners.push(world.main.runPersonOrders((error) => expect.unreachable(String(error))))
    await vi.waitUntil(async () => (await planned()).length === 0, SOON)
  }

  test('a VID and its order are one: after a crash another process orders it, with its end and its uses', async () => {
    const { uin, record } = await enrol('rid-1')
    const { vid, expiresAt } = await world.main.repository.createVid(uin, 'Temporary', BY)
    expect(await planned()).toEqual([{ queue: PERSON_QUEUE, payload: JSON.stringify({ record }) }])
    expect(await orders()).toEqual([])
    await work()
    const both = await orders()
    expect(both.map(({ id, partner, idType }) => [id, partner, idType])).toEqual([
      [uin, IDA, 'UIN'],
      [vid, IDA, 'VID'],
    ])
    expect(both[1]).toMatchObject({ expiresAt, transactionLimit: 1, credentialType: 'auth' })
    expect(expiresAt! - Date.now()).toBeLessThanOrEqual(HALF_AN_HOUR_MS)
    expect(both[0]).toMatchObject({ row: `rid-1-${IDA}-${POLICY}` })
    expect(both[0]).not.toHaveProperty('transactionLimit')
    for (const { row } of both) expect(row).not.toMatch(new RegExp(`${vid}|${uin}`))
  })

  test('a VID that is not made is not ordered either', async () => {
    const { uin } = await enrol('rid-1')
    await world.main.repository.createVid(uin, 'Perpetual', BY)
    await expect(world.main.repository.createVid(uin, 'Perpetual', BY)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await planned()).toHaveLength(1)
  })

  test('the same again orders nothing; a revoked VID and a blocked person are not ordered', async () => {
    const { uin } = await enrol('rid-1')
    const { vid } = await world.main.repository.createVid(uin, 'Perpetual', BY)
    const { vid: revoked } = await world.main.repository.createVid(uin, 'Temporary', BY)
    await world.main.partners.partners.setActive(IDA, false, 'a test', { actor: 'token:manager' })
    await world.main.repository.revokeVid(revoked, BY)
    const blocked = await enrol('rid-2')
    await world.main.repository.createVid(blocked.uin, 'Perpetual', BY)
    await world.main.repository.setStatus(blocked.uin, 'UIN', 'BLOCKED', BY)
    await world.main.partners.partners.setActive(IDA, true, 'a test', { actor: 'token:manager' })
    await work()
    expect((await orders()).map(({ id }) => id).sort()).toEqual([vid, uin].sort())
    // Active again: what was left out is made up for, and nobody else gets a second credential.
    await world.main.repository.setStatus(blocked.uin, 'UIN', 'ACTIVATED', BY)
    await world.main.repository.setStatus(uin, 'UIN', 'BLOCKED', BY)
    await world.main.repository.setStatus(uin, 'UIN', 'ACTIVATED', BY)
    await vi.waitUntil(async () => (await planned()).length === 0, SOON)
    expect(await orders()).toHaveLength(4)
  })

  test('new data are ordered anew, for the UIN and for each VID', async () => {
    const { uin } = await enrol('rid-1')
    const { vid } = await world.main.repository.createVid(uin, 'Perpetual', BY)
    await work()
    await world.main.repository.update(uin, 'UIN', { rid: 'rid-2', identity: { UIN: uin }, files: [] })
    await vi.waitUntil(async () => (await planned()).length === 0, SOON)
    const all = await orders()
    expect(all.map(({ id, row }) => [id, row.slice(0, 5)])).toEqual([
      [uin, 'rid-1'],
      [vid, 'rid-1'],
      [uin, 'rid-2'],
      [vid, 'rid-2'],
    ])
  })
})

test.each(ENGINES)(
  'uses of a VID are counted at the IDA, and no later credential gives one back: $name',
  async (engine) => {
    const world = await openVaultWorld(engine, 'mosip')
    try {
      await world.issuer.vault.createPool('test')
      const vid = '6294051738261049'
      const order = { idType: 'VID', transactionLimit: 2 } as const
      const use = async () => (await world.idaVault.find(vid))!.use()
      await world.enrol(vid, order)
      expect(await use()).toBe(true)
      world.advance(1_000)
      await world.enrol(vid, order)
      const uses = await Promise.all(Array.from({ length: 5 }, use))
      expect(uses.filter(Boolean)).toHaveLength(1)
      world.advance(1_000)
      await world.enrol(vid, order)
      expect(await use()).toBe(false)
    } finally {
      await world.dispose()
    }
  },
)
