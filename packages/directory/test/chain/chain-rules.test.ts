import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { signerOf, stateAt } from '../../src/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { DAY, HOUR, TestChain } from '../kit/test-chain.ts'
import { newDeviceId, newKeys } from '../kit/test-keys.ts'

let alice: TestChain
let phone: string

beforeEach(async () => {
  alice = await TestChain.open()
  phone = await alice.first()
})

async function refused(entry: string | Promise<string>): Promise<string> {
  return await codeOf(alice.add(await entry))
}

function deviceOf(id: string) {
  return stateAt(alice.state, alice.now).devices.find(({ device }) => device === id)!
}

describe('links', () => {
  test('a chain of a first device, a second one, a renewal, a revocation', async () => {
    const laptop = await alice.approve(phone, 'x-wing')
    alice.now += DAY
    await alice.renew(phone, 'x-wing')
    await alice.revoke(laptop, laptop)
    const state = await alice.fold()
    expect(state.sequence).toBe(3)
    expect(state.devices.map(({ status }) => status)).toEqual(['valid', 'revoked'])
    expect(state.devices[0]!.record).toMatchObject({ profile: 'x-wing', approvedBy: phone, sequence: 2 })
    expect(state.devices[0]!.earlier).toHaveLength(1)
  })

  test.each([
    ['an entry left out', { sequence: 2 }],
    ['an entry twice', { sequence: 0 }],
    ['another predecessor', { previous: toBase64url(new Uint8Array(32)) }],
    ['no predecessor', { previous: null }],
    ['a chain number without a reset', { chain: 1 }],
    ['dated before its predecessor', { issued: 1_799_999_999 }],
  ])('%s: CHAIN_BROKEN', async (_, overrides) => {
    const keys = await newKeys()
    expect(await refused(alice.renewal(phone, keys, overrides))).toBe('CHAIN_BROKEN')
  })

  test.each([
    ['another application', { application: 'other' }],
    ['another user', { username: 'bob' }],
    ['a member nobody knows', { more: true }],
    ['another version', { v: 2 }],
    ['a kind nobody knows', { kind: 'promotion' }],
    ['a fraction of a second', { issued: 1_800_000_000.5 }],
  ])('%s: RECORD_INVALID', async (_, overrides) => {
    const keys = await newKeys()
    expect(await refused(alice.renewal(phone, keys, overrides))).toBe('RECORD_INVALID')
  })

  test('an entry of another user is not replayed', async () => {
    const bob = await TestChain.open('bob', alice.authority)
    await bob.first()
    expect(await codeOf(alice.fold(bob.entries))).toBe('RECORD_INVALID')
  })

  test('a chain starts with a device that signs itself', async () => {
    const other = await TestChain.open('alice', alice.authority)
    const [keys, signing] = [await newKeys(), await newKeys()]
    const fields = await other.deviceFields(keys, newDeviceId())
    expect(await codeOf(other.add(await other.sign(signing.signer, fields)))).toBe('CHAIN_BROKEN')
    const reset = { kind: 'reset', reason: 'x', chain: 0 }
    const authority = signerOf(backend, alice.authority)
    expect(await codeOf(other.add(await other.sign(authority, reset)))).toBe('CHAIN_BROKEN')
  })

  test('a stolen device that fills the chain is still ended, by whom it is at once, and cannot use the last places', async () => {
    const thief = await alice.approve(phone)
    const { hash } = await alice.setRecovery(phone)
    alice.passObjectionPeriod()
    await alice.revoke(thief, phone)
    // As if it had written all the entries between.
    alice.state = { ...alice.state, sequence: 4_096 - 256 - 1 }
    const full = 'WIRE_TOO_LARGE'
    expect(await refused(alice.renewal(thief, await newKeys('x25519')))).toBe(full)
    expect(await codeOf(alice.approve(thief))).toBe(full)
    expect(await refused((await alice.recoveryEntry(phone)).entry)).toBe(full)
    expect(await refused(alice.revocation(phone, thief))).toBe(full)
    expect(hash).toBe(alice.state.recovery?.entry)
    await alice.object(phone, deviceOf(phone).revocation!.entry)
    await alice.revokeWith(alice.recovery!, thief)
    expect(deviceOf(thief).status).toBe('revoked')
    await alice.reset()
    await alice.first()
    expect(alice.state.devices.map(({ status }) => status)).toEqual(['valid'])
  })

  test('giant input is refused before it is read', async () => {
    expect(await refused(`${'A'.repeat(20_000)}.e30.AA`)).toBe('WIRE_TOO_LARGE')
    expect(await refused('['.repeat(8_000))).toBe('RECORD_INVALID')
  })
})

describe('who may sign', () => {
  test('a superseded key signs nothing', async () => {
    const old = alice.devices.get(phone)!
    await alice.renew(phone)
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(old.signer, fields))).toBe('CHAIN_BROKEN')
  })

  test('a key of another device does not renew', async () => {
    const laptop = await alice.approve(phone)
    const fields = await alice.deviceFields(await newKeys(), phone)
    expect(await refused(alice.sign(alice.signerOfDevice(laptop), fields))).toBe('CHAIN_BROKEN')
  })

  test('an expired key renews for 90 days at most, and does nothing else', async () => {
    alice.now += 91 * DAY
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(alice.signerOfDevice(phone), fields))).toBe('KEY_EXPIRED')
    expect(await refused(alice.revocation(phone, phone))).toBe('KEY_EXPIRED')
    alice.now += 88 * DAY
    await alice.renew(phone)
    alice.now += 181 * DAY
    expect(await refused(alice.renewal(phone, await newKeys()))).toBe('KEY_EXPIRED')
  })

  test('a key that is not valid yet approves nobody', async () => {
    const keys = await newKeys()
    const laptop = newDeviceId()
    const request = await alice.request(keys, laptop, { notBefore: alice.now + HOUR })
    await alice.add(await alice.sign(alice.signerOfDevice(phone), { kind: 'device', request }))
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(keys.signer, fields))).toBe('KEY_NOT_YET_VALID')
    expect(deviceOf(laptop).status).toBe('not-yet-valid')
  })

  test('a revoked approver approves nobody', async () => {
    const laptop = await alice.approve(phone)
    await alice.revoke(laptop, laptop)
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(alice.signerOfDevice(laptop), fields))).toBe('DEVICE_REVOKED')
    expect(await refused(alice.renewal(laptop, await newKeys()))).toBe('DEVICE_REVOKED')
  })

  test('two devices renew at once: the second has to sign again on top of the first', async () => {
    const laptop = await alice.approve(phone)
    const second = await alice.renewal(laptop, await newKeys())
    await alice.renew(phone)
    expect(await refused(second)).toBe('CHAIN_BROKEN')
    await alice.renew(laptop)
  })

  test('a profile goes up, never down', async () => {
    await alice.renew(phone, 'x-wing')
    expect(await refused(alice.renewal(phone, await newKeys('x25519')))).toBe('SUITE_REFUSED')
    expect(await refused(alice.renewal(phone, await newKeys('rsa1024-legacy')))).toBe('SUITE_REFUSED')
  })

  test('the header algorithm decides nothing', async () => {
    const entry = await alice.renewal(phone, await newKeys())
    const [header, payload, signature] = entry.split('.')
    for (const alg of ['none', 'HS256', 'PS256', 'RS256']) {
      const forged = JSON.parse(Buffer.from(header!, 'base64url').toString())
      const text = toBase64url(utf8(JSON.stringify({ ...forged, alg })))
      expect(await refused(`${text}.${payload}.${signature}`)).toBe('RECORD_INVALID')
    }
  })
})

describe('device requests', () => {
  test('lifted from another user, application or device', async () => {
    const keys = await newKeys()
    const laptop = newDeviceId()
    for (const fields of [{ username: 'bob' }, { application: 'other' }]) {
      const request = await alice.request(keys, laptop, fields)
      const entry = alice.sign(alice.signerOfDevice(phone), { kind: 'device', request })
      expect(await refused(entry)).toBe('RECORD_INVALID')
    }
  })

  test('replayed: a key, an old request, one that lies far ahead or has expired', async () => {
    const keys = await newKeys()
    const fields = await alice.deviceFields(keys, newDeviceId())
    await alice.add(await alice.sign(alice.signerOfDevice(phone), fields))
    const again = await alice.deviceFields(keys, newDeviceId())
    expect(await refused(alice.sign(alice.signerOfDevice(phone), again))).toBe('RECORD_INVALID')
    const stale = await alice.deviceFields(await newKeys(), newDeviceId())
    alice.now += DAY + 1
    expect(await refused(alice.sign(alice.signerOfDevice(phone), stale))).toBe('RECORD_INVALID')
    const times = [
      { notBefore: alice.now + 8 * DAY, code: 'KEY_NOT_YET_VALID' },
      { notBefore: alice.now - HOUR, expires: alice.now, code: 'KEY_EXPIRED' },
    ]
    for (const { code, ...time } of times) {
      const request = await alice.request(await newKeys(), newDeviceId(), time)
      const entry = alice.sign(alice.signerOfDevice(phone), { kind: 'device', request })
      expect(await refused(entry)).toBe(code)
    }
  })

  test('an id is not used again after a revocation or a reset', async () => {
    const laptop = await alice.approve(phone)
    await alice.revoke(laptop, laptop)
    const fields = await alice.deviceFields(await newKeys(), laptop)
    expect(await refused(alice.sign(alice.signerOfDevice(phone), fields))).toBe('CHAIN_BROKEN')
    await alice.reset()
    expect(await codeOf(alice.first('x25519', laptop))).toBe('CHAIN_BROKEN')
  })

  test('a key of small order is no key', async () => {
    const keys = await newKeys()
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(new Uint8Array(32)) }
    const signer = { ...keys.signer, jwk }
    expect(await codeOf(alice.request({ ...keys, signer }, newDeviceId()))).toBe('RECORD_INVALID')
  })
})

describe('revocation and objection', () => {
  let laptop: string
  beforeEach(async () => {
    laptop = await alice.approve(phone)
  })

  test('by another device: after 24 hours', async () => {
    await alice.revoke(phone, laptop)
    alice.now += DAY - 1
    expect(deviceOf(laptop).status).toBe('valid')
    alice.now += 1
    expect(deviceOf(laptop).status).toBe('revoked')
    expect(await refused(alice.renewal(laptop, await newKeys()))).toBe('DEVICE_REVOKED')
  })

  test('at once is not for another device to say', async () => {
    expect(await refused(alice.revocation(phone, laptop, { effective: alice.now }))).toBe('CHAIN_BROKEN')
  })

  test('the device itself objects in time, and not after', async () => {
    const hash = await alice.revoke(phone, laptop)
    alice.now += DAY - 1
    await alice.object(laptop, hash)
    alice.now += DAY
    expect(deviceOf(laptop).status).toBe('valid')
    const second = await alice.revoke(phone, laptop)
    alice.now += DAY
    expect(await refused(alice.objection(phone, second))).toBe('CHAIN_BROKEN')
    expect(await refused(alice.objection(laptop, second))).toBe('DEVICE_REVOKED')
  })

  test('while its revocation is pending, a device brings in and shuts out nobody', async () => {
    await alice.revoke(phone, laptop)
    const fields = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(alice.signerOfDevice(laptop), fields))).toBe('DEVICE_REVOKED')
    expect(await refused(alice.revocation(laptop, phone))).toBe('DEVICE_REVOKED')
    expect(await refused((await alice.recoveryEntry(laptop)).entry)).toBe('DEVICE_REVOKED')
    await alice.renew(laptop)
  })

  test('an operator ends a stolen device, and what it had begun', async () => {
    await alice.revoke(laptop, phone)
    await alice.revokeWith(signerOf(backend, alice.authority), laptop)
    alice.now += DAY
    expect(deviceOf(laptop).status).toBe('revoked')
    expect(deviceOf(phone).status).toBe('valid')
  })

  test('nobody else revokes', async () => {
    const stranger = await newKeys()
    const fields = { kind: 'revocation', device: laptop, reason: '', effective: alice.now }
    expect(await refused(alice.sign(stranger.signer, fields))).toBe('CHAIN_BROKEN')
  })
})

describe('recovery key', () => {
  test('of a single device: in force and settled at once; revokes at once', async () => {
    await alice.setRecovery(phone)
    const laptop = await alice.approve(phone)
    await alice.revokeWith(alice.recovery!, laptop)
    expect(deviceOf(laptop).status).toBe('revoked')
  })

  test('a stolen device cannot make itself one and shut out the others at once', async () => {
    const stolen = await alice.approve(phone)
    const { hash, key } = await alice.setRecovery(stolen)
    expect(alice.state.recovery?.entry).toBe(hash)
    const atOnce = { kind: 'revocation', device: phone, reason: '', effective: alice.now }
    expect(await refused(alice.sign(key, atOnce))).toBe('CHAIN_BROKEN')
    await alice.revokeWith(key, phone, alice.now + DAY)
    await alice.object(phone, hash)
    expect(alice.state.recovery).toBeUndefined()
    alice.now += DAY
    expect(deviceOf(phone).status).toBe('valid')
  })

  test('replaced by a device after 24 hours, voided by an objection', async () => {
    const laptop = await alice.approve(phone)
    const first = await alice.setRecovery(phone)
    alice.now += DAY
    const second = await alice.setRecovery(laptop)
    expect(alice.state.recovery?.entry).toBe(first.hash)
    await alice.object(phone, second.hash)
    const third = await alice.setRecovery(laptop)
    expect(await refused((await alice.recoveryEntry(phone)).entry)).toBe('CHAIN_BROKEN')
    alice.now += DAY
    expect(stateAt(alice.state, alice.now).recovery?.entry).toBe(third.hash)
    expect(await refused(alice.objection(phone, third.hash))).toBe('CHAIN_BROKEN')
    const old = { kind: 'revocation', device: laptop, reason: '', effective: alice.now }
    expect(await refused(alice.sign(first.key, old))).toBe('CHAIN_BROKEN')
  })

  test('replaced by itself at once, whatever is pending', async () => {
    await alice.setRecovery(phone)
    const pending = await alice.setRecovery(phone)
    const next = await alice.setRecovery('recovery')
    alice.now += DAY
    expect(stateAt(alice.state, alice.now).recovery?.entry).toBe(next.hash)
    expect(next.hash).not.toBe(pending.hash)
  })
})

describe('reset', () => {
  test('by the authority only; ends all devices and the recovery key', async () => {
    await alice.setRecovery(phone)
    const fields = { kind: 'reset', reason: '', chain: 1 }
    expect(await refused(alice.sign(alice.signerOfDevice(phone), fields))).toBe('CHAIN_BROKEN')
    expect(await refused(alice.sign(alice.recovery!, fields))).toBe('CHAIN_BROKEN')
    const former = alice.signerOfDevice(phone)
    await alice.reset()
    expect(alice.state).toMatchObject({ chain: 1, devices: [], sequence: 2 })
    expect(alice.state.recovery).toBeUndefined()
    expect(await codeOf(alice.reset())).toBe('CHAIN_BROKEN')
    const next = await alice.first()
    const approval = await alice.deviceFields(await newKeys(), newDeviceId())
    expect(await refused(alice.sign(former, approval))).toBe('CHAIN_BROKEN')
    expect(alice.state.devices.map(({ device }) => device)).toEqual([next])
    expect(alice.state.former.map(({ device }) => device)).toEqual([phone])
  })
})
