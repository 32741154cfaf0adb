import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryStore } from '@keyhaven/messaging'
import type { DirectoryEvent, Me } from '@keyhaven/sdk'
import { sqliteStore } from '@keyhaven/sdk/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { createPeople, textOf } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MARKER = 'MARKER-of-a-message-to-a-device-in-a-file'

describe.each(ENGINES)('devices with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server)
  const { person, secondDevice, kept } = people

  beforeAll(async () => {
    server = await startSdkServer(engine, { KEYHAVEN_LEGACY_PROFILE: 'on' })
  })

  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  test('who approves a device is shown what the new one shows', async () => {
    const anna = await person('anna')
    const pending = await server.connect().requestDevice({ username: anna.username, deviceName: 'phone' })
    const shown = await anna.devices.approve(pending.request)
    expect(shown).toMatchObject({ name: 'phone', profile: 'x-wing', fingerprint: pending.fingerprint })
    const phone = kept(await pending.completed())
    expect((await anna.devices.list()).map(({ device }) => device)).toContain(phone.device)
  })

  test('messages that are under way during a renewal are read, and the next ones, too', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const before = await anna.messages.encrypt(ben.username, 'before')
    const [, under] = await Promise.all([ben.renew(), anna.messages.encrypt(ben.username, 'under way')])
    expect(await textOf(ben, before.envelope)).toBe('before')
    expect(await textOf(ben, under.envelope)).toBe('under way')
    await anna.renew()
    const after = await anna.messages.encrypt(ben.username, 'after', { newSession: true })
    expect(after.leftOut).toEqual([])
    expect(await textOf(ben, after.envelope)).toBe('after')
    const { history } = await ben.directory.ownChain()
    expect(history.map(({ kind }) => kind)).toEqual(['device', 'device'])
  })

  test('a process that ends between a renewal and its answer goes on with the new keys', async () => {
    const store = memoryStore()
    let broken = false
    const fragile: typeof store = {
      ...store,
      commit: (change) => {
        if (broken && change.put?.some(({ key }) => key === 'device/identity')) throw new Error('power cut')
        return store.commit(change)
      },
    }
    const anna = await person('anna', { store: fragile })
    const ben = await person('ben')
    const kh = server.connect({
      fetch: async (...given) => {
        const response = await fetch(...given)
        if (armed) broken = true
        return response
      },
    })
    let armed = false
    const again = kept((await kh.resume({ store: fragile }))!)
    await again.messages.encrypt(ben.username, 'works')
    armed = true
    await expect(again.renew()).rejects.toThrow('power cut')
    broken = false
    armed = false
    const after = kept((await server.connect().resume({ store: fragile }))!)
    const { envelope } = await after.messages.encrypt(ben.username, 'goes on')
    expect(await textOf(ben, envelope)).toBe('goes on')
    expect((await after.devices.list()).map(({ status }) => status)).toEqual(['valid'])
    await anna.close()
  })

  test('a new device reads what was before it: handed over, or by the recovery words', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const old = await ben.messages.encrypt(anna.username, 'from before')
    await anna.messages.decrypt(old.envelope)
    const handed = await secondDevice(anna)
    await expect(handed.messages.decrypt(old.envelope)).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' })
    expect(await handed.messages.readAgain(old.envelope)).toMatchObject({
      text: 'from before',
      from: ben.username,
    })
    const words = await anna.recovery.createWords()
    expect(words.split(' ')).toHaveLength(24)
    expect(await anna.history.backUp()).toBe(1)
    expect(await anna.history.backUp()).toBe(0)
    const bare = await secondDevice(anna, {}, { history: false })
    const unavailable = bare.messages.readAgain(old.envelope)
    await expect(unavailable).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' })
    const wrong = bare.recovery.restore({ words: words.split(' ').reverse().join(' ') })
    await expect(wrong).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(await bare.recovery.restore({ words })).toBe(1)
    expect((await bare.messages.readAgain(old.envelope)).text).toBe('from before')
    await anna.recovery.setPassphrase('a passphrase to remember', words)
    await anna.recovery.setPasskey(new Uint8Array(32).fill(7), words)
    const third = await secondDevice(anna, {}, { history: false })
    const guess = third.recovery.restore({ passphrase: 'a passphrase to guess' })
    await expect(guess).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(await third.recovery.restore({ passkey: new Uint8Array(32).fill(7) })).toBe(1)
    expect(await third.recovery.restore({ passphrase: 'a passphrase to remember' })).toBe(0)
  })

  test('lost all devices: after the reset nobody writes until the new chain is accepted', async () => {
    const events: DirectoryEvent[] = []
    const anna = await person('anna')
    const ben = await person('ben', { onEvent: (event) => events.push(event) })
    const carl = await person('carl')
    const old = await ben.messages.encrypt(anna.username, 'before the loss')
    await anna.messages.decrypt(old.envelope)
    await carl.messages.decrypt((await anna.messages.encrypt(carl.username, 'hello')).envelope)
    const words = await anna.recovery.createWords()
    await anna.history.backUp()
    const { digits } = await ben.verification.safetyNumber(anna.username)
    await ben.verification.markVerified(anna.username, digits)
    const { username } = anna
    // At once: what was backed up in the second of the reset counts, too.
    expect(
      (await server.operator('POST', `/users/${encodeURIComponent(username)}/reset`, { reason: 'lost' }))
        .status,
    ).toBe(200)
    await expect(anna.mailbox.receive()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    const anew = kept(await server.enroll(username))
    expect((await anew.directory.ownChain()).chain).toBe(1)
    // Contacts are told by the next look-up, and by each message until they accept.
    const { envelope: first } = await anew.messages.encrypt(ben.username, 'it is me')
    expect(events).toEqual([])
    expect(await ben.messages.decrypt(first)).toMatchObject({ trust: 'reset', verified: false })
    expect(events).toEqual([{ type: 'chain-reset', username, chain: 1 }])
    for (const contact of [ben, carl]) {
      await expect(contact.directory.lookUp(username)).rejects.toMatchObject({ code: 'CHAIN_RESET' })
    }
    // Who had verified her verifies again, who had not accepts.
    const refused = (contact: Me) => contact.messages.encrypt(username, 'to whom?', { newSession: true })
    await expect.poll(() => codeOf(refused(ben))).toBe('CHAIN_RESET')
    expect(await ben.verification.isVerified(username)).toBe(false)
    await expect(ben.directory.acceptReset(username)).rejects.toMatchObject({ code: 'CHAIN_RESET' })
    await ben.verification.markVerified(username, (await anew.verification.safetyNumber(ben.username)).qr)
    expect(await ben.verification.isVerified(username)).toBe(true)
    expect(await ben.directory.lookUp(username)).toMatchObject({ chain: 1 })
    const { envelope: second } = await anew.messages.encrypt(ben.username, 'still me')
    expect(await ben.messages.decrypt(second)).toMatchObject({ trust: 'verified', verified: true })
    expect(events).toHaveLength(1)
    expect(await textOf(anew, (await refused(ben)).envelope)).toBe('to whom?')
    expect(await carl.verification.isVerified(username)).toBe(false)
    await expect(refused(carl)).rejects.toMatchObject({ code: 'CHAIN_RESET' })
    await carl.directory.acceptReset(username)
    expect(await textOf(anew, (await refused(carl)).envelope)).toBe('to whom?')
    // The words still open what was backed up in the old chain.
    expect(await anew.recovery.restore({ words })).toBeGreaterThan(0)
    expect((await anew.messages.readAgain(old.envelope)).text).toBe('before the loss')
  })

  test('a device that has expired is left out, and comes back by a renewal', async () => {
    const anna = await person('anna')
    const store = memoryStore()
    const ben = await person('ben', { store, recordSeconds: 3 })
    const phone = await secondDevice(ben)
    await ben.close()
    const codes = async () => {
      const { leftOut } = await anna.messages.encrypt(ben.username, 'hello', { newSession: true })
      return leftOut.map(({ device, code }) => `${device} ${code}`)
    }
    await expect
      .poll(
        async () => {
          // A renewal of one's own is not needed: the directory is asked again.
          await anna.verification.isVerified(ben.username)
          return codes()
        },
        { interval: 500 },
      )
      .toEqual([`${ben.device} KEY_EXPIRED`])
    const { envelope, leftOut } = await anna.messages.encrypt(ben.username, 'who is left')
    expect(leftOut[0]!.advice).toMatch(/renew/)
    expect(await textOf(phone, envelope)).toBe('who is left')
    const back = kept((await server.connect().resume({ store }))!)
    await back.upkeep()
    await anna.verification.isVerified(ben.username)
    const { envelope: next } = await anna.messages.encrypt(ben.username, 'welcome back', { newSession: true })
    expect(await textOf(back, next)).toBe('welcome back')
  })

  test('people with old RSA keys are written to where that is allowed by name, and move up', async () => {
    const messages = { allowLegacy: true }
    const old = await person('old', { profile: 'rsa1024-legacy', messages })
    const rsa = await person('rsa', { profile: 'rsa3072', messages })
    const anna = await person('anna')
    const { envelope } = await rsa.messages.encrypt(old.username, 'as in its day')
    expect(await textOf(old, envelope)).toBe('as in its day')
    const modern = anna.messages.encrypt(old.username, 'not to this one')
    await expect(modern).rejects.toMatchObject({ code: 'SUITE_REFUSED' })
    // Another record of the same profile is signed by the old key alone; leaving it needs an operator, too.
    await old.renew()
    await expect(old.renew({ profile: 'x-wing' })).rejects.toThrow()
    // What was refused stands in nobody's way.
    await old.upkeep()
    expect(old.profile).toBe('rsa1024-legacy')
    await old.renew({ profile: 'x-wing', signUp: { token: await server.token(old.username) } })
    expect(old.profile).toBe('x-wing')
    await expect(old.renew({ profile: 'rsa3072' })).rejects.toThrow()
    await anna.verification.isVerified(old.username)
    const now = await anna.messages.encrypt(old.username, 'welcome')
    expect(await textOf(old, now.envelope)).toBe('welcome')
    await rsa.renew()
    expect(rsa.profile).toBe('rsa3072')
  })

  test('every entry under the own name is in the log, and what others added is shown until it is known', async () => {
    const anna = await person('anna')
    const phone = await secondDevice(anna)
    const report = await phone.directory.monitor()
    expect(report).toMatchObject({ hidden: [], withheld: [] })
    expect(report.unseen.map(({ kind }) => kind)).toContain('device')
    const { sequence } = await phone.directory.ownChain()
    await phone.directory.acknowledge(sequence)
    expect((await phone.directory.monitor()).unseen).toEqual([])
  })

  test('a device in an SQLite file is the same after a restart, and one store holds one device', async () => {
    const path = join(server.fixture.folder, `device-${engine.dialect}.db`)
    const store = { open: () => sqliteStore({ path }) }
    const anna = await person('anna', { store })
    const ben = await person('ben')
    await expect(server.enroll(anna.username, { store })).rejects.toMatchObject({ code: 'CONFLICT' })
    await anna.close()
    const again = kept((await server.connect().resume({ store }))!)
    expect([again.username, again.device]).toEqual([anna.username, anna.device])
    expect(await textOf(again, (await ben.messages.encrypt(anna.username, MARKER)).envelope)).toBe(MARKER)
    await again.close()
    expect((await readFile(path)).includes(MARKER)).toBe(false)
    expect(await server.connect().resume({ store: memoryStore() })).toBeUndefined()
  })

  test('a sign-up token is for one user, once', async () => {
    const token = await server.token('dora')
    const kh = server.connect()
    await expect(kh.enroll({ username: 'emil', token })).rejects.toThrow()
    const dora = kept(await kh.enroll({ username: 'dora', token }))
    expect(dora.username).toBe('dora')
    await expect(kh.enroll({ username: 'dora', token })).rejects.toThrow()
  })
})
