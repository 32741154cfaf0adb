import { backend } from '@keyhaven/crypto'
import { signDeviceRequest } from '@keyhaven/directory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { enrollUser, newDevice, openUser, signUpToken } from './fixtures/directory-user.ts'

const APP = 'app'

describe.each(ENGINES)('the directory on $name', (engine) => {
  let clock: TestClock
  let server: TestServer
  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    await server.admin('POST', '/applications', { id: 'other', suite: 'x25519' })
  })
  afterAll(() => server?.dispose())
  const base = `/applications/${APP}/directory`

  test('registers, looks up with proofs, approves, renews, and revokes', async () => {
    const alice = await enrollUser(server, APP, 'alice')
    const bob = await enrollUser(server, APP, 'bob')
    const found = await bob.client.lookUp('alice')
    expect(found.devices).toMatchObject([{ device: alice.device.device, name: 'phone', profile: 'x25519' }])

    const laptop = await openUser(server, APP, 'alice', await newDevice('laptop', 'x-wing'))
    await alice.client.approve(await laptop.client.requestDevice('alice', laptop.device))
    laptop.client.use({
      username: 'alice',
      device: laptop.device.device,
      signer: laptop.device.signer,
      requestKey: laptop.device.requestKey!,
    })
    expect((await bob.client.lookUp('alice')).devices.map((device) => device.name)).toEqual([
      'phone',
      'laptop',
    ])
    expect((await laptop.client.lookUp('bob')).username).toBe('bob')

    await alice.client.renew(await newDevice('phone', 'x-wing', alice.device.device))
    expect((await bob.client.lookUp('alice')).devices[0]).toMatchObject({ profile: 'x-wing' })

    const path = `${base}/users/alice/devices/${laptop.device.device}/revoke`
    const revoked = await server.admin('POST', path, { reason: 'stolen' })
    expect(revoked.status).toBe(200)
    const statuses = revoked.body.devices.map((row: { name: string; status: string }) => [
      row.name,
      row.status,
    ])
    expect(Object.fromEntries(statuses)).toEqual({ phone: 'valid', laptop: 'revoked' })
    await expect(laptop.client.lookUp('bob')).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    expect((await bob.client.lookUp('alice')).devices.map((device) => device.name)).toEqual(['phone'])

    const report = await alice.client.monitor()
    expect(report.hidden).toEqual([])
    expect(report.unseen.map((item) => item.kind)).toContain('revocation')
  })

  test('admits nobody without a signature, and no signature twice, elsewhere or of another seal', async () => {
    const carol = await enrollUser(server, APP, 'carol')
    const look = { username: 'carol' }
    const unsigned = await carol.call('POST', '/v1/directory/look-up', look, false)
    expect([unsigned.status, (await unsigned.json()).code]).toEqual([401, 'UNAUTHENTICATED'])
    for (const [method, path] of [
      ['PUT', '/v1/directory/encryption-keys'],
      ['POST', '/v1/directory/log/consistency'],
      ['GET', '/v1/directory/log/tile/0/000'],
      ['GET', '/v1/directory/anything'],
    ] as const) {
      expect((await carol.call(method, path, method === 'GET' ? undefined : {}, false)).status).toBe(401)
    }
    // What everybody can read outside the seal, too.
    expect((await carol.call('GET', '/v1/directory/log/checkpoint', undefined, false)).status).toBe(200)
    // Fields that were signed for one seal, sent again in the next.
    let fields: ReadonlyArray<readonly [string, string]> = []
    const init = {
      method: 'POST',
      body: JSON.stringify(look),
      headers: { 'content-type': 'application/json' },
    }
    const first = await carol.channel.signedFetch('/v1/directory/look-up', init, async (parts) => {
      fields = await signDeviceRequest(
        {
          backend,
          application: APP,
          device: carol.device.device,
          key: carol.device.requestKey!,
          clock: Date.now,
        },
        parts,
      )
      return fields
    })
    expect(first.status).toBe(200)
    const again = await carol.channel.signedFetch('/v1/directory/look-up', init, () => fields)
    expect([again.status, (await again.json()).code]).toEqual([401, 'UNAUTHENTICATED'])
    // The device of one application is nobody in another.
    const other = await openUser(server, 'other', 'carol', carol.device as never)
    expect((await other.call('POST', '/v1/directory/look-up', look)).status).toBe(401)
    // Outside the channel.
    const outside = await fetch(`${server.publicUrl}/v1/directory/look-up`, init)
    expect((await outside.json()).code).toBe('CHANNEL_REQUIRED')
  })

  test('a token signs up once, its own user only, and the first device only', async () => {
    const token = await signUpToken(server, APP, 'dave')
    const dave = await openUser(server, APP, 'dave')
    const thief = await openUser(server, APP, 'erin')
    await expect(thief.client.register('erin', thief.device, { token })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await dave.client.register('dave', dave.device, { token })
    const second = await openUser(server, APP, 'dave')
    await expect(second.client.register('dave', second.device, { token })).rejects.toThrow()
    const fresh = await signUpToken(server, APP, 'dave')
    await expect(second.client.register('dave', second.device, { token: fresh })).rejects.toThrow()

    const reset = await server.admin('POST', `${base}/users/dave/reset`, { reason: 'all devices lost' })
    expect(reset.body).toMatchObject({ chain: 1, devices: [{ status: 'revoked' }] })
    await second.client.register('dave', second.device, { token: await signUpToken(server, APP, 'dave') })
    await expect(dave.client.lookUp('dave')).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
  })

  test('a taken sequence is a conflict that says where the chain is', async () => {
    const frank = await enrollUser(server, APP, 'frank')
    const detail = (await server.admin('GET', `${base}/users/frank`)).body
    const answer = await frank.call('POST', '/v1/directory/devices', { entry: detail.entries[0].entry })
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ code: 'CONFLICT', sequence: 0, head: detail.entries[0].hash })
  })

  test('names cannot be harvested', async () => {
    const grace = await enrollUser(server, APP, 'grace')
    const codes: string[] = []
    clock.hold()
    for (let n = 0; n < 25; n++) {
      const answer = await grace.call('POST', '/v1/directory/look-up', { username: `nobody-${n}` })
      codes.push((await answer.json()).code)
    }
    expect(codes.slice(0, 20)).toEqual(Array(20).fill('NOT_FOUND'))
    expect(codes.at(-1)).toBe('RATE_LIMITED')
    // Oneself one finds always: it takes that to revoke the device that guessed.
    const look = (username: string) => grace.call('POST', '/v1/directory/look-up', { username })
    expect((await look('alice')).status).toBe(429)
    expect((await look('grace')).status).toBe(200)
    clock.go()
  })

  test('tiles and checkpoints are public, and name nobody', async () => {
    await enrollUser(server, APP, 'heidi-with-a-long-name')
    const log = (await server.admin('GET', `${base}/log`)).body
    const root = `${server.publicUrl}/log/${APP}`
    const checkpoint = await fetch(`${root}/checkpoint`)
    expect(await checkpoint.text()).toBe(log.checkpoint)
    const bundle = await fetch(`${root}/tile/entries/000.p/${log.size}`)
    const bytes = Buffer.from(await bundle.arrayBuffer())
    expect(bytes.length).toBeGreaterThan(98 * (log.size - 1))
    for (const name of ['heidi-with-a-long-name', 'alice', 'phone']) expect(bytes.includes(name)).toBe(false)
    expect(bundle.headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(`${server.publicUrl}/log/keyhaven-admin/checkpoint`)).status).toBe(404)
    expect((await fetch(`${server.publicUrl}/log/other-app/checkpoint`)).status).toBe(404)
  })

  test('the admin API lists, and lets an auditor only read', async () => {
    await enrollUser(server, APP, 'ivan')
    const users = (await server.admin('GET', `${base}/users?q=iva`)).body
    expect(users.items).toMatchObject([{ username: 'ivan', devices: 1, chain: 0, sequence: 0 }])
    const page = (await server.admin('GET', `${base}/users?limit=1`)).body
    expect(page.nextCursor).not.toBeNull()
    const next = (await server.admin('GET', `${base}/users?limit=1&cursor=${page.nextCursor}`)).body
    expect(next.items[0].username).not.toBe(page.items[0].username)
    const soon = (await server.admin('GET', `${base}/devices?expiringWithin=100d`)).body
    expect(soon.items.length).toBeGreaterThan(0)
    expect((await server.admin('GET', `${base}/devices?expiringWithin=30d`)).body.items).toEqual([])
    const made = (
      await server.admin('POST', `${base}/sign-up-tokens`, { username: 'judy', profile: 'x-wing' })
    ).body
    expect(made).toMatchObject({
      username: 'judy',
      profile: 'x-wing',
      token: expect.stringMatching(/^khs_/),
      usedAt: null,
    })
    const listed = (await server.admin('GET', `${base}/sign-up-tokens`)).body.items
    expect(JSON.stringify(listed)).not.toContain(made.token)
    expect((await server.admin('DELETE', `${base}/sign-up-tokens/${made.id}`)).status).toBe(204)
    expect((await server.admin('POST', `${base}/log/check`)).body).toMatchObject({ valid: true })
    const auditor = (
      await server.admin('POST', '/tokens', { name: `a-${engine.dialect}`, roles: ['auditor'] })
    ).body.token
    expect((await server.admin('GET', `${base}/users`, undefined, auditor)).status).toBe(200)
    expect((await server.admin('POST', `${base}/users/ivan/reset`, { reason: 'x' }, auditor)).status).toBe(
      403,
    )
    expect((await server.admin('GET', '/applications/keyhaven-admin/directory/log')).status).toBe(404)
    const actions = (await server.admin('GET', '/audit/actions')).body.items
    expect(actions).toEqual(expect.arrayContaining(['directory.accept', 'directory.sign-up-token.add']))
    expect((await server.admin('GET', '/audit/verify')).body.valid).toBe(true)
  })
})
