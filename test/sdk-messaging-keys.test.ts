import { setTimeout as delay } from 'node:timers/promises'
import { memoryStore } from '@keyhaven/messaging'
import type { ConnectOptions, EnrollOptions, Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { createPeople, textOf } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MS_PER_SECOND = 1_000
const PATIENCE = { interval: 200 }
/** Until its date comes, an early device is not valid. */
const EARLY_SECONDS = 300

/** Nothing that was looked up is relied on: each message asks the directory. */
const ASKING = { messages: { lookUpSeconds: 0 } }

/** What has to happen within seconds takes a busy machine longer: four times as long at each retry. */
const BUSY = { retry: 2 } as const
const longer = (seconds: number, task: { readonly result?: { readonly retryCount?: number } }) =>
  seconds * 4 ** (task.result?.retryCount ?? 0)

describe.each(ENGINES)('keys at each step, with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server, ASKING)
  const { person, secondDevice, kept, nameOf } = people

  beforeAll(async () => {
    server = await startSdkServer(engine)
  })
  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  /** A user's first device, whose clock is off. */
  async function personWithClock(name: string, offSeconds: number, setup: Partial<EnrollOptions> = {}) {
    const clock = () => Date.now() + offSeconds * MS_PER_SECOND
    const username = nameOf(name)
    const kh = server.connect({ clock } satisfies Partial<ConnectOptions>)
    const options = { username, token: await server.token(username), ...ASKING, ...setup } as EnrollOptions
    return kept(await kh.enroll(options))
  }

  const revoke = (me: Me) =>
    server.operator('POST', `/users/${encodeURIComponent(me.username)}/devices/${me.device}/revoke`, {
      reason: 'stolen',
    })
  const send = async (from: Me, to: Me, text: string) =>
    (await from.messages.encrypt(to.username, text, { newSession: true })).envelope

  /** What a device does with its own keys. */
  const acts = (me: Me, other: Me): Record<string, () => Promise<unknown>> => ({
    'looks up': () => me.directory.lookUp(other.username),
    writes: () => me.messages.encrypt(other.username, 'hello', { newSession: true }),
    sends: () => me.mailbox.send(other.username, 'an envelope'),
    receives: () => me.mailbox.receive(),
    revokes: () => me.devices.revoke(other.device),
    'backs up': () => me.recovery.createWords(),
    monitors: () => me.directory.monitor(),
  })

  async function codesOf(actions: Record<string, () => Promise<unknown>>): Promise<Record<string, string>> {
    const codes: Record<string, string> = {}
    for (const [name, act] of Object.entries(actions)) codes[name] = await codeOf(act())
    return codes
  }
  const all = (actions: object, code: string) =>
    Object.fromEntries(Object.keys(actions).map((name) => [name, code]))

  test(
    'expired: the device does nothing but renew, nobody writes to it, and nothing new of it is read',
    BUSY,
    async ({ task }) => {
      const anna = await person('anna')
      const store = memoryStore()
      const short = await person('ben', { store, recordSeconds: longer(3, task) })
      const late = await send(short, anna, 'signed in time, read too late')
      const first = await send(short, anna, 'read in time')
      expect(await textOf(anna, first)).toBe('read in time')
      const { envelope: inSession } = await short.messages.encrypt(anna.username, 'in the same session')
      const { request } = await server.connect().requestDevice({ username: short.username })
      await short.close()
      await expect
        .poll(() => codeOf(anna.messages.encrypt(short.username, 'hello', { newSession: true })), PATIENCE)
        .toBe('KEY_EXPIRED')
      expect(await codeOf(anna.messages.decrypt(late))).toBe('KEY_EXPIRED')
      // A session that was negotiated in time outlives the key.
      expect(await textOf(anna, inSession)).toBe('in the same session')
      const again = kept((await server.connect().resume({ store, ...ASKING }))!)
      // The upkeep renews by itself: the device is good again before it is asked anything.
      await again.upkeep()
      expect(await textOf(anna, await send(again, anna, 'back'))).toBe('back')
      expect(await textOf(again, await send(anna, again, 'welcome'))).toBe('welcome')
      // What was signed by the old key, in its time, now counts: the renewal links it to the new one.
      expect(await textOf(anna, late)).toBe('signed in time, read too late')
      expect(await codeOf(again.devices.approve(request))).toBe('done')
    },
  )

  test('expired beyond all renewal: every call of it is refused', BUSY, async ({ task }) => {
    const recordSeconds = longer(2, task)
    const anna = await person('anna')
    const store = memoryStore()
    const lost = await person('ben', { store, recordSeconds })
    await lost.close()
    await delay(recordSeconds * MS_PER_SECOND)
    // A clock that stands still keeps the upkeep from renewing.
    const stopped = Date.now() - recordSeconds * MS_PER_SECOND
    const kh = server.connect({ clock: () => stopped })
    const stuck = kept((await kh.resume({ store, ...ASKING }))!)
    const actions = acts(stuck, anna)
    expect(await codesOf(actions)).toEqual(all(actions, 'KEY_EXPIRED'))
  })

  test('revoked: the device does nothing, nobody writes to it, and nothing of it is read', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(ben)
    expect(await textOf(anna, await send(phone, anna, 'while it was ours'))).toBe('while it was ours')
    const { envelope: inSession } = await phone.messages.encrypt(anna.username, 'within the session')
    const negotiation = await send(phone, anna, 'a new session')
    const { request } = await server.connect().requestDevice({ username: ben.username })
    expect((await revoke(phone)).status).toBe(200)
    expect(await codeOf(anna.messages.decrypt(inSession))).toBe('SENDER_REVOKED')
    expect(await codeOf(anna.messages.decrypt(negotiation))).toBe('SENDER_REVOKED')
    const { recipients, leftOut } = await anna.messages.encrypt(ben.username, 'hello')
    expect(recipients.map(({ device }) => device)).toEqual([ben.device])
    expect(leftOut).toMatchObject([{ device: phone.device, code: 'DEVICE_REVOKED' }])
    const actions = {
      ...acts(phone, anna),
      renews: () => phone.renew(),
      approves: () => phone.devices.approve(request),
      'revokes the other': () => phone.devices.revoke(ben.device),
    }
    expect(await codesOf(actions)).toEqual(all(actions, 'DEVICE_REVOKED'))
    // The other one goes on, and brings in whom the revoked one could not.
    expect(await codeOf(ben.devices.approve(request))).toBe('done')
  })

  test('revoked while a message is under way: the last look decides', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(ben)
    const envelopes = await Promise.all(Array.from({ length: 5 }, (_, n) => send(phone, anna, `${n}`)))
    const revoking = revoke(phone)
    const codes = await Promise.all(envelopes.map((envelope) => codeOf(anna.messages.decrypt(envelope))))
    await revoking
    for (const code of codes) expect(['done', 'SENDER_REVOKED']).toContain(code)
    expect(await codeOf(anna.messages.decrypt(await send(ben, anna, 'the other device')))).toBe('done')
  })

  test(
    'not yet valid: nobody writes to the device, and it is not served, until its time has come',
    BUSY,
    async ({ task }) => {
      const ahead = EARLY_SECONDS + longer(10, task)
      const anna = await person('anna')
      const ben = await person('ben')
      const store = memoryStore()
      const clock = () => Date.now() + ahead * MS_PER_SECOND
      const kh = server.connect({ clock })
      const pending = await kh.requestDevice({ username: ben.username, deviceName: 'phone', store })
      await ben.devices.approve(pending.request, { history: false })
      const [, phone] = await ben.devices.list()
      expect(phone).toMatchObject({ status: 'not-yet-valid' })
      const { leftOut, envelope } = await anna.messages.encrypt(ben.username, 'hello')
      expect(leftOut).toMatchObject([{ device: phone!.device, code: 'KEY_NOT_YET_VALID' }])
      expect(leftOut[0]!.advice).toMatch(/clock/)
      expect(await textOf(ben, envelope)).toBe('hello')
      const again = await server
        .connect()
        .requestDevice({ username: ben.username, deviceName: 'phone', store, ...ASKING })
      expect(await codeOf(again.completed())).toBe('KEY_NOT_YET_VALID')
      // Its time comes: five minutes before the record says so, since clocks differ.
      const missing = async () =>
        (await anna.messages.encrypt(ben.username, 'again', { newSession: true })).leftOut.length
      await expect
        .poll(missing, { timeout: 60_000 + longer(10, task) * MS_PER_SECOND, interval: 500 })
        .toBe(0)
      const late = kept(await again.completed())
      expect(late.device).toBe(phone!.device)
      expect(await textOf(anna, await send(late, anna, 'at last'))).toBe('at last')
    },
  )

  test('clocks that are off by less than two minutes stop nobody, from the first second on', async () => {
    const [slow, exact, fast] = [
      await personWithClock('slow', -100),
      await person('exact'),
      await personWithClock('fast', 15),
    ]
    for (const [from, to] of [
      [slow, exact],
      [exact, slow],
      [slow, fast],
      [fast, slow],
      [fast, exact],
      [exact, fast],
    ] as const) {
      expect(await textOf(to, await send(from, to, 'hello'))).toBe('hello')
    }
    await fast.renew()
    await slow.renew()
    expect(await textOf(slow, await send(fast, slow, 'renewed'))).toBe('renewed')
    expect(await textOf(fast, await send(slow, fast, 'renewed'))).toBe('renewed')
    const phone = await secondDevice(fast)
    expect(await textOf(phone, await send(slow, fast, 'to both'))).toBe('to both')
  })

  test('clocks that are further apart are CLOCK_SKEW, which a program can mend by setting one', async () => {
    const slow = await personWithClock('slow', -100)
    const fast = await personWithClock('fast', 30)
    const envelope = await send(fast, slow, 'far ahead')
    await expect(slow.messages.decrypt(envelope)).rejects.toMatchObject({ code: 'CLOCK_SKEW' })
    expect(await textOf(fast, await send(slow, fast, 'of the past'))).toBe('of the past')
  })
})
