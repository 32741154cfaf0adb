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

test.each([
  [-HOUR_MS, 'CLOCK_SKEW'],
  [HOUR_MS / 2, 'CLOCK_SKEW'],
  // For all that this device can tell, the directory withholds its newest checkpoint.
  [2 * HOUR_MS, 'DIRECTORY_STALE'],
])('a clock that is off by %i ms is %s at sign-up, and the clock is named', async (off, code) => {
  const username = `off by ${off}`
  const token = await server.token(username)
  const wrong = server.connect({ clock: () => Date.now() + off })
  await expect(wrong.enroll({ username, token })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(/clock/),
  })
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

test('what is no request, hash, id or store is said before anything is sent', async () => {
  const { approve, inspect, object, revoke } = anna.devices
  const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) })
  for (const text of ['hello', '', 'a.b', '{"request":"x"}']) {
    await expect(approve(text)).rejects.toMatchObject(refused('INPUT_INVALID', /requestDevice\(\)/))
    await expect(inspect(text)).rejects.toMatchObject(refused('INPUT_INVALID', /requestDevice\(\)/))
  }
  for (const text of ['nope', '', 'A'.repeat(42)]) {
    await expect(object(text)).rejects.toMatchObject(refused('INPUT_INVALID', /devices\.list\(\)/))
  }
  await expect(object('A'.repeat(43))).rejects.toMatchObject(refused('NOT_FOUND', /devices\.list\(\)/))
  const nothing = undefined as never
  await expect(approve(nothing)).rejects.toThrow(/^a device request is a text: .*requestDevice\(\)/)
  await expect(object(nothing)).rejects.toThrow(/^an entry is named by its hash/)
  await expect(revoke(nothing)).rejects.toThrow(/^a device is named by its id.*devices\.list\(\)/)
  const kh = server.connect()
  const calls: readonly (readonly [Promise<unknown>, string])[] = [
    [kh.resume(nothing), 'resume({ store })'],
    [kh.resume({} as never), 'resume() needs `store`'],
    [kh.resume({ store: 'anna.db' as never }), 'store must be an open store'],
    [kh.enroll(nothing), 'enroll({ username, token'],
    [kh.requestDevice(nothing), 'requestDevice({ username'],
  ]
  for (const [call, example] of calls) {
    const error: Error = await call.then(
      () => new Error('done'),
      (reason) => reason,
    )
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(example)
  }
})

test('a message for somebody else is no cause for alarm', async () => {
  const ben = await server.enroll('ben the recipient')
  const carl = await server.enroll('carl the onlooker')
  const { envelope } = await anna.messages.encrypt(ben.username, 'for ben')
  await expect(carl.messages.decrypt(envelope)).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
    advice: expect.stringMatching(/^The message is for somebody else, or/),
  })
  await Promise.all([ben.close(), carl.close()])
})

test('who brought a device in is named also after both have renewed', async () => {
  const dora = await server.enroll('dora')
  const pending = await server.connect().requestDevice({ username: 'dora' })
  await dora.devices.approve(pending.request)
  const phone = await pending.completed()
  await phone.renew()
  await dora.renew()
  const approvers = (await dora.devices.list()).map(({ device, approvedBy }) => [device, approvedBy])
  expect(Object.fromEntries(approvers)).toEqual({
    [dora.device]: dora.device,
    [phone.device]: dora.device,
  })
  await Promise.all([dora.close(), phone.close()])
})
