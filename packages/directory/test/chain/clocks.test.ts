import { backend } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { recordedKeysOf } from '../../src/client/recorded-keys.ts'
import { foldChain, signerOf } from '../../src/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { TestChain } from '../kit/test-chain.ts'
import { TestDirectory } from '../kit/test-directory.ts'
import { newDeviceId, newKeys } from '../kit/test-keys.ts'

/** As much as an entry's `issued` may be off. */
const MINUTES_5 = 300

let alice: TestChain
let phone: string

beforeEach(async () => {
  alice = await TestChain.open()
  phone = await alice.first()
})

/** What somebody sees whose clock is off. */
const seenAt = (now: number) => foldChain(backend, alice.entries, { ...alice.expected, now })

describe('a record that begins by a fast clock', () => {
  test('is valid to all whose clock is up to five minutes behind', async () => {
    const { notBefore } = alice.state.devices[0]!.record
    const statusAt = async (now: number) => (await seenAt(now)).devices[0]!.status
    expect(await statusAt(notBefore - MINUTES_5)).toBe('valid')
    expect(await statusAt(notBefore - MINUTES_5 - 1)).toBe('not-yet-valid')
  })

  test('brings its device in at once: the directory answers it', async () => {
    const directory = await TestDirectory.open()
    const bob = await directory.chain('bob')
    bob.now = directory.now + MINUTES_5
    const device = await bob.first()
    await directory.service.register(
      { entry: bob.entries[0]!, signUp: await directory.token('bob') },
      undefined,
    )
    expect((await directory.service.findDevice(device))?.device.status).toBe('valid')
    // And an operator can revoke it in the same moment, at once.
    await directory.service.revokeByOperator({ username: 'bob', device, reason: 'stolen' }, 'token:admin')
    expect((await directory.service.findDevice(device))?.device.status).toBe('revoked')
    const caller = { username: 'bob', device }
    expect(await codeOf(directory.service.lookUp({ username: 'bob' }, caller))).toBe('DEVICE_REVOKED')
  })
})

describe('a revocation that is in force at once', () => {
  test('is so for a clock that is behind', async () => {
    await alice.revokeWith(signerOf(backend, alice.authority), phone)
    const before = await seenAt(alice.now - MINUTES_5)
    expect(before.devices[0]!.status).toBe('revoked')
    expect(recordedKeysOf(before)[0]!.revokedAt).toBe(alice.now)
  })

  test('is so after an entry of a device whose clock is ahead', async () => {
    const authorityNow = alice.now
    alice.now += MINUTES_5 - 1
    const laptop = await alice.approve(phone)
    alice.now = authorityNow
    await alice.revokeWith(signerOf(backend, alice.authority), laptop, alice.state.issued)
    expect((await seenAt(authorityNow)).devices[1]!.status).toBe('revoked')
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    const entry = alice.sign(alice.signerOfDevice(laptop), fields).then((text) => alice.add(text))
    expect(await codeOf(entry)).toBe('DEVICE_REVOKED')
  })

  test('and one that waits, waits for every clock', async () => {
    const laptop = await alice.approve(phone)
    await alice.revoke(phone, laptop)
    const { effective } = alice.state.devices[1]!.revocation!
    expect((await seenAt(effective - 1)).devices[1]!.status).toBe('valid')
    expect((await seenAt(effective)).devices[1]!.status).toBe('revoked')
  })
})
