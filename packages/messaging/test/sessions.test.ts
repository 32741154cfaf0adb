import { nobleBackend } from '@keyhaven/crypto/noble'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { decodeEnvelope } from '../src/wire/envelope.ts'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let alice: TestDevice
let bob: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  bob = await world.device('bob')
})

const send = async (text = 'hello', from = alice, to = 'bob') => from.messenger.encrypt(to, text)

describe('a new session', () => {
  test('after N messages', async () => {
    const few = world.again(alice, { maxSessionMessages: 3 })
    const sent = []
    for (let n = 0; n < 7; n++) sent.push(await few.encrypt('bob', `${n}`))
    expect(sent.map(({ n }) => n)).toEqual([0, 1, 2, 0, 1, 2, 0])
    expect(new Set(sent.map(({ session }) => session)).size).toBe(3)
    for (const { envelope } of sent.reverse()) await bob.messenger.decrypt(envelope)
  })

  test('after T', async () => {
    const { session } = await send()
    world.clock.advance(86_399)
    expect((await send()).session).toBe(session)
    world.clock.advance(2)
    expect((await send()).session).not.toBe(session)
  })

  test('when a device joins, leaves, renews, or rotates its encryption key', async () => {
    let last = (await send()).session
    const changed = async (): Promise<boolean> => {
      world.clock.advance(61)
      const { session } = await send()
      const isNew = session !== last
      last = session
      return isNew
    }
    expect(await changed()).toBe(false)
    const bob2 = await world.device('bob', { approver: bob })
    expect(await changed()).toBe(true)
    await world.directory.revokeByOperator('bob', bob2.keys.device)
    expect(await changed()).toBe(true)
    await world.directory.record(bob.keys)
    expect(await changed()).toBe(true)
    await bob.keys.rotateEncryptionKey({ now: true })
    await world.directory.publish(bob.keys)
    expect(await changed()).toBe(true)
    await world.device('alice', { approver: alice })
    expect(await changed()).toBe(true)
    await world.directory.record(alice.keys)
    expect(await changed()).toBe(true)
    expect(await changed()).toBe(false)
  })

  test('on request; late messages under the old one still open', async () => {
    const old = await send('late')
    const fresh = await alice.messenger.encrypt('bob', 'new', { newSession: true })
    expect(fresh.session).not.toBe(old.session)
    expect((await bob.messenger.decrypt(fresh.envelope)).text).toBe('new')
    expect((await bob.messenger.decrypt(old.envelope)).text).toBe('late')
  })

  test('in each process: two of them never share a chain', async () => {
    const other = world.again(alice)
    const sent = await Promise.all([send(), other.encrypt('bob', 'x'), send(), other.encrypt('bob', 'y')])
    expect(new Set(sent.map(({ session, n }) => `${session}/${n}`)).size).toBe(4)
    for (const { envelope } of sent) await bob.messenger.decrypt(envelope)
  })
})

describe('several people', () => {
  test('two devices that negotiate at once do not conflict', async () => {
    const [one, two] = await Promise.all([send('from alice'), send('from bob', bob, 'alice')])
    expect((await bob.messenger.decrypt(one.envelope)).text).toBe('from alice')
    expect((await alice.messenger.decrypt(two.envelope)).text).toBe('from bob')
    const answers = await Promise.all([send('again'), send('again', bob, 'alice')])
    expect((await bob.messenger.decrypt(answers[0].envelope)).text).toBe('again')
    expect((await alice.messenger.decrypt(answers[1].envelope)).text).toBe('again')
  })

  test('a device that cannot be sent to is named, and blocks nobody', async () => {
    const settings = { allowLegacy: true }
    const old = await world.device('bob', { approver: bob, profile: 'rsa1024-legacy', settings })
    const sent = await send()
    expect(sent.leftOut.map(({ username, device, code }) => [username, device, code])).toEqual([
      ['bob', old.keys.device, 'SUITE_REFUSED'],
    ])
    expect(sent.leftOut.every(({ advice }) => advice.length > 0)).toBe(true)
    expect((await bob.messenger.decrypt(sent.envelope)).text).toBe('hello')
  })

  test('with nobody left to send to, the reason is the error', async () => {
    world.directory.failing.set('dave', 'PROOF_INVALID')
    expect(await codeOf(send('hello', alice, 'dave'))).toBe('PROOF_INVALID')
    expect(await codeOf(send('hello', alice, 'nobody'))).toBe('NOT_FOUND')
  })

  test('the negotiation is repeated for those who have not answered, and only for them', async () => {
    const bob2 = await world.device('bob', { approver: bob })
    const keysOf = (envelope: string) => Object.keys(decodeEnvelope(envelope).negotiation?.keys ?? {})
    const { envelope } = await send()
    expect(keysOf(envelope)).toHaveLength(2)
    await bob.messenger.decrypt(envelope)
    await alice.messenger.decrypt((await send('answer', bob, 'alice')).envelope)
    expect(keysOf((await send()).envelope)).toEqual([bob2.keys.device])
    await bob2.messenger.decrypt((await send()).envelope)
    await alice.messenger.decrypt((await send('answer', bob2, 'alice')).envelope)
    const last = await send('without')
    expect(keysOf(last.envelope)).toEqual([])
    for (const device of [bob, bob2])
      expect((await device.messenger.decrypt(last.envelope)).text).toBe('without')
  })

  test('bytes are bytes, text is text', async () => {
    const { envelope } = await alice.messenger.encrypt('bob', new Uint8Array([0, 255]))
    const got = await bob.messenger.decrypt(envelope)
    expect([got.text, [...got.bytes]]).toEqual([undefined, [0, 255]])
    expect(await codeOf(alice.messenger.encrypt('bob', 'x'.repeat(262_144)))).toBe('WIRE_TOO_LARGE')
    expect(await codeOf(alice.messenger.encrypt(' bob', 'x'))).toBe('INPUT_INVALID')
  })
})

describe('renewal', () => {
  test('of the sender races with its message: what was signed before still opens', async () => {
    const { envelope } = await send('under way')
    world.clock.advance(10)
    await world.directory.record(alice.keys)
    expect((await bob.messenger.decrypt(envelope)).text).toBe('under way')
    expect((await bob.messenger.decrypt((await send('renewed')).envelope)).text).toBe('renewed')
  })

  test('of the recipient races with a message to it', async () => {
    const { envelope } = await send('under way')
    await world.directory.record(bob.keys)
    expect((await world.again(bob).decrypt(envelope)).text).toBe('under way')
  })

  test('what an old key signs after its renewal counts no more', async () => {
    const { signingKey, entry } = alice.keys
    world.clock.advance(10)
    await world.directory.record(alice.keys)
    world.clock.advance(3_600)
    const thief = world.again({
      ...alice,
      keys: new Proxy(alice.keys, {
        get: (keys, name) => {
          if (name === 'signingKey') return signingKey
          if (name === 'entry') return entry
          const value = Reflect.get(keys, name, keys)
          return typeof value === 'function' ? value.bind(keys) : value
        },
      }),
    })
    expect(await codeOf(thief.encrypt('bob', 'forged'))).toBe('KEY_EXPIRED')
    const { lie } = world.directory
    world.directory.lie = (user) => ({
      ...user,
      devices: user.devices.map((device) =>
        device.device === alice.keys.device ? { ...device, entry: entry! } : device,
      ),
    })
    const { envelope } = await thief.encrypt('bob', 'forged')
    world.directory.lie = lie
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('KEY_EXPIRED')
  })

  test('private encryption keys are erased 14 days after their end', async () => {
    const { envelope } = await send()
    const { thumbprint } = bob.keys.encryptionKey
    await bob.keys.rotateEncryptionKey({ now: true })
    world.clock.advance(21 * 86_400 - 1)
    expect(await bob.keys.eraseExpired()).toBe(0)
    expect(await bob.keys.findEncryptionKey(thumbprint)).toBeDefined()
    world.clock.advance(2)
    await bob.messenger.sweep()
    expect(await bob.keys.findEncryptionKey(thumbprint)).toBeUndefined()
    expect((await bob.store.list('device/encryption/')).some((key) => key.includes(thumbprint))).toBe(false)
    await world.directory.record(alice.keys)
    expect(await codeOf(bob.messenger.decrypt(envelope))).toBe('KEY_EXPIRED')
  })
})

describe('delivery', () => {
  test('1,000 messages in random order, with losses and duplicates', async () => {
    const envelopes: string[] = []
    for (let n = 0; n < 1_000; n++) envelopes.push((await send(`message ${n}`)).envelope)
    const order = fc.array(fc.nat(envelopes.length - 1), { minLength: 1_000, maxLength: 1_500 })
    const sample = fc.sample(order, { numRuns: 1, seed: 2 })[0]!
    const read = new Set<number>()
    for (const n of sample) {
      const outcome = bob.messenger.decrypt(envelopes[n]!)
      if (read.has(n)) expect(await codeOf(outcome)).toBe('DUPLICATE')
      else expect((await outcome).text).toBe(`message ${n}`)
      read.add(n)
    }
  })

  test('any order, any loss, any duplicate, any restart (property)', async () => {
    const step = fc.record({ n: fc.nat(30), restart: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        alice.messenger.renewSession('bob')
        const envelopes: string[] = []
        for (let n = 0; n <= 30; n++) envelopes.push((await send(`message ${n}`)).envelope)
        const read = new Set<number>()
        let receiver = world.again(bob)
        for (const { n, restart } of steps) {
          if (restart) receiver = world.again(bob)
          const code = await codeOf(receiver.decrypt(envelopes[n]!))
          expect(code).toBe(read.has(n) ? 'DUPLICATE' : 'resolved')
          read.add(n)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('all at once, to two processes over one store: each message is read once', async () => {
    const envelopes: string[] = []
    for (let n = 0; n < 100; n++) envelopes.push((await send(`message ${n}`)).envelope)
    const other = world.again(bob)
    const outcomes = await Promise.all(
      envelopes.flatMap((envelope) => [
        codeOf(bob.messenger.decrypt(envelope)),
        codeOf(other.decrypt(envelope)),
      ]),
    )
    expect(outcomes.filter((code) => code === 'resolved')).toHaveLength(100)
    expect(outcomes.filter((code) => code === 'DUPLICATE')).toHaveLength(100)
  })

  test('on a backend whose every call is asynchronous', async () => {
    const slow = await createWorld(nobleBackend)
    const dora = await slow.device('dora')
    const emil = await slow.device('emil')
    const sent = await Promise.all([0, 1, 2, 3].map((n) => dora.messenger.encrypt('emil', `${n}`)))
    expect(sent.map(({ n }) => n).sort()).toEqual([0, 1, 2, 3])
    const texts = await Promise.all(
      sent.map(async ({ envelope }) => (await emil.messenger.decrypt(envelope)).text),
    )
    expect(texts).toEqual(['0', '1', '2', '3'])
  })
})
