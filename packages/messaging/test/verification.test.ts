import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, createWorld, type TestDevice, type World } from './kit/people.ts'

let world: World
let alice: TestDevice
let bob: TestDevice

beforeEach(async () => {
  world = await createWorld()
  alice = await world.device('alice')
  bob = await world.device('bob')
})

async function verified(): Promise<void> {
  const { qr } = await bob.messenger.verification.safetyNumber('alice')
  await alice.messenger.verification.markVerified('bob', qr)
}

describe('a safety number', () => {
  test('is the same on both sides, 12 groups of 5 digits, and changes with the keys', async () => {
    const mine = await alice.messenger.verification.safetyNumber('bob')
    const theirs = await bob.messenger.verification.safetyNumber('alice')
    expect(mine.digits).toMatch(/^\d{5}( \d{5}){11}$/)
    expect(theirs.digits).toBe(mine.digits)
    expect(await alice.messenger.verification.matches('bob', theirs.digits.replaceAll(' ', ''))).toBe(true)
    expect(await alice.messenger.verification.matches('bob', theirs.qr)).toBe(true)
    await world.directory.record(bob.keys)
    expect((await alice.messenger.verification.safetyNumber('bob')).digits).not.toBe(mine.digits)
  })

  test('carries the checkpoint, in the QR and in messages, however many witnesses cosigned it', async () => {
    const own = 'keyhaven.test/demo\n42\nroot\n\n— keyhaven.test/demo signature\n'
    const witnesses = Array.from({ length: 60 }, (_, n) => `— witness.example/${n} ${'s'.repeat(200)}\n`)
    world.directory.note = own + witnesses.join('')
    const compared: string[] = []
    world.directory.foreignNote = (note) => compared.push(note)
    const { qr } = await bob.messenger.verification.safetyNumber('alice')
    expect(await alice.messenger.verification.matches('bob', qr)).toBe(true)
    await alice.messenger.decrypt((await bob.messenger.encrypt('alice', 'hi')).envelope)
    expect(compared).toEqual([own, own])
  })

  test('differs if the directory shows one of them another key, or another log', async () => {
    const { digits, qr } = await bob.messenger.verification.safetyNumber('alice')
    const { note } = world.directory
    world.directory.note = 'keyhaven.evil/demo\n42\nroot\n\n— signature\n'
    expect(await codeOf(alice.messenger.verification.markVerified('bob', qr))).toBe('LOG_INCONSISTENT')
    expect(await codeOf(alice.messenger.verification.markVerified('bob', digits))).toBe('INPUT_INVALID')
    world.directory.note = note
    const eve = await world.device('eve')
    const head = (await world.directory.state(eve.keys.username)).head!
    const carol = await world.device('carol')
    const met = await carol.messenger.verification.safetyNumber('bob')
    world.directory.lie = (user) => (user.username === 'bob' ? { ...user, head } : user)
    expect(await codeOf(carol.messenger.verification.markVerified('bob', met.digits))).toBe('CHAIN_BROKEN')
    const dora = await world.device('dora')
    const { digits: seen } = await dora.messenger.verification.safetyNumber('bob')
    world.directory.lie = undefined
    expect((await bob.messenger.verification.safetyNumber('dora')).digits).not.toBe(seen)
    expect(await codeOf(alice.messenger.verification.matches('bob', 'hello'))).toBe('INPUT_INVALID')
  })
})

describe('a verified mark', () => {
  test('shows on messages, and stays over renewals and restarts', async () => {
    await verified()
    const { envelope } = await bob.messenger.encrypt('alice', 'hi')
    expect(await alice.messenger.decrypt(envelope)).toMatchObject({ trust: 'verified', verified: true })
    await world.directory.record(bob.keys)
    expect(await world.again(alice).verification.isVerified('bob')).toBe(true)
    await alice.messenger.verification.unmark('bob')
    expect(await alice.messenger.verification.isVerified('bob')).toBe(false)
  })

  test('drops when the chain is reset; nothing is sent until the contact is verified anew', async () => {
    await verified()
    await alice.messenger.encrypt('bob', 'before')
    world.clock.advance(100)
    await world.directory.reset('bob')
    const stranger = await world.device('bob')
    expect(await codeOf(alice.messenger.encrypt('bob', 'secret'))).toBe('CHAIN_RESET')
    expect(await codeOf(world.again(alice).encrypt('bob', 'secret'))).toBe('CHAIN_RESET')
    expect(await alice.messenger.verification.isVerified('bob')).toBe(false)
    expect(await codeOf(alice.messenger.verification.acceptReset('bob'))).toBe('CHAIN_RESET')
    const { envelope } = await stranger.messenger.encrypt('alice', 'it is me')
    expect(await alice.messenger.decrypt(envelope)).toMatchObject({ trust: 'reset', verified: false })
    const { qr } = await stranger.messenger.verification.safetyNumber('alice')
    await alice.messenger.verification.markVerified('bob', qr)
    const sent = await alice.messenger.encrypt('bob', 'secret')
    expect((await stranger.messenger.decrypt(sent.envelope)).text).toBe('secret')
  })

  test('of a contact that was only known: accepting the reset is enough', async () => {
    await alice.messenger.encrypt('bob', 'before')
    world.clock.advance(100)
    await world.directory.reset('bob')
    await world.device('bob')
    expect(await codeOf(alice.messenger.encrypt('bob', 'secret'))).toBe('CHAIN_RESET')
    await alice.messenger.verification.acceptReset('bob')
    expect(await codeOf(alice.messenger.encrypt('bob', 'secret'))).toBe('resolved')
  })

  test('drops when the directory shows another history', async () => {
    await verified()
    const eve = await world.device('eve')
    const head = (await world.directory.state(eve.keys.username)).head!
    world.directory.lie = (user) => (user.username === 'bob' ? { ...user, head } : user)
    expect(await codeOf(world.again(alice).encrypt('bob', 'secret'))).toBe('CHAIN_BROKEN')
    world.directory.lie = undefined
    expect(await world.again(alice).verification.isVerified('bob')).toBe(false)
  })
})
