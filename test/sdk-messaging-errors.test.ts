import type { Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const HOUR_MS = 3_600_000

/** What a person who makes a mistake is told by a real server. */
let server: SdkServer
let anna: Me

beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
  anna = await server.enroll('anna')
})

afterAll(async () => {
  await anna?.close()
  await server?.dispose()
})

test('enrolling a name that has a device says how to add another', async () => {
  await expect(server.enroll('anna')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/has a device already.*requestDevice\(\).*operator resets/),
  })
})

test('a mistyped key of the log leaves the sign-up token as it is', async () => {
  const token = await server.token('ben')
  const { trust } = server.options
  const mistyped = server.connect({ trust: { ...trust, log: `${trust.log.slice(0, -2)}AA` } })
  await expect(mistyped.enroll({ username: 'ben', token })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  const ben = await server.connect().enroll({ username: 'ben', token })
  await ben.close()
})

test.each([-HOUR_MS, HOUR_MS])('a clock that is off by %i ms is CLOCK_SKEW at sign-up', async (off) => {
  const username = `off by ${off}`
  const token = await server.token(username)
  const wrong = server.connect({ clock: () => Date.now() + off })
  await expect(wrong.enroll({ username, token })).rejects.toMatchObject({ code: 'CLOCK_SKEW' })
})

test('a device that was approved is not approved once more', async () => {
  const pending = await server.connect().requestDevice({ username: 'anna', deviceName: 'phone' })
  await anna.devices.approve(pending.request)
  await expect(anna.devices.approve(pending.request)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('approved before'),
  })
  const phone = await pending.completed()
  await phone.close()
})

test('only own devices are revoked', async () => {
  const carl = await server.enroll('carl')
  for (const id of [carl.device, 'nonsense']) {
    await expect(anna.devices.revoke(id, { reason: 'lost' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('devices.list()'),
    })
  }
  await carl.close()
})

test('a profile that does not exist is named, and the device goes on', async () => {
  const nonsense = { profile: 'x' } as unknown as { profile: 'x-wing' }
  await expect(anna.renew(nonsense)).rejects.toThrow(/profile must be one of .*x-wing/)
  await anna.renew()
})

test('what the server refuses is said in words', async () => {
  const said = (message: string) => expect.objectContaining({ message: expect.stringContaining(message) })
  const nobody = server.connect().enroll({ username: 'nobody', token: 'khs_nonsense' })
  await expect(nobody).rejects.toEqual(said('the token is not for this name, used, expired'))
  await expect(anna.directory.lookUp('nobody')).rejects.toEqual(said('compared letter by letter'))
  await expect(anna.mailbox.send('anna', '')).rejects.toEqual(
    said('the server answered INPUT_INVALID: what was'),
  )
})
