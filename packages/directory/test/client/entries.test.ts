import { kemPublicKeyToJwk, requiredPublicMembers } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import { beforeEach, describe, expect, test } from 'vitest'
import { type ChainSigner, signerOf } from '../../src/chain/chain-signer.ts'
import { PROFILES, type ProfileName } from '../../src/chain/profile.ts'
import { type Reply, TestAuthority } from './test-authority.ts'
import { codeOf, newUser, registered, SIGN_UP, secondDevice, type TestUser } from './test-user.ts'

const DAY = 86_400

const HOUR = 3_600

let authority: TestAuthority
let alice: TestUser

beforeEach(async () => {
  authority = await TestAuthority.create()
  alice = await registered(authority, 'alice')
})

async function recoveryKeys() {
  const key = await nodeBackend.signatures.generateKeyPair('EdDSA')
  const backup = await nodeBackend.kem.generateKeyPair('x25519')
  const signer: ChainSigner = signerOf(nodeBackend, key)
  return {
    signer,
    signingKey: signer.jwk,
    backupKey: requiredPublicMembers(kemPublicKeyToJwk(backup.publicKey)),
  }
}

/** Lets `rival` add an entry just before each of the next `times` ones arrive. */
function race(rival: () => Promise<unknown>, times = 1): void {
  let left = times
  let running = false
  authority.before = async (path) => {
    if (running || left === 0 || !/devices|entries$/.test(path)) return
    left -= 1
    running = true
    await rival()
    running = false
  }
}

test.each(Object.keys(PROFILES) as ProfileName[])('a device of profile %s registers', async (profile) => {
  const profiles = Object.keys(PROFILES) as ProfileName[]
  const user = await registered(authority, `user-${profile}`, { profile, profiles })
  const found = await user.client.lookUp(`user-${profile}`)
  expect(found.devices).toMatchObject([{ profile, encryption: { jwk: user.keys.encryptionKey } }])
  expect(found.devices[0]?.signingKey.algorithm).toBe(PROFILES[profile].algorithm)
})

describe('registration', () => {
  test('is unsigned and only for a user without a chain', async () => {
    const other = await newUser(authority, 'alice')
    const call = other.client.register('alice', { ...other.keys, name: 'mine' }, SIGN_UP)
    expect(await codeOf(call)).toBe('CONFLICT')
    expect(await codeOf(other.client.lookUp('alice'))).toBe('UNAUTHENTICATED')
  })

  test('whose answer is lost is found in the log', async () => {
    authority.loseAnswers = true
    const carol = await newUser(authority, 'carol')
    const accepted = await carol.client.register('carol', { ...carol.keys, name: 'laptop' }, SIGN_UP)
    expect(accepted).toMatchObject({ sequence: 0, index: 2 })
    expect((await carol.client.lookUp('carol')).devices).toHaveLength(1)
  })

  test('gives no token, and takes no name, at a log that the app does not trust', async () => {
    const elsewhere = await TestAuthority.create()
    for (const [options, code] of [
      [{ trust: elsewhere.trust }, 'SIGNATURE_INVALID'],
      [{ trust: authority.witnessed(2) }, 'PROOF_INVALID'],
      [{ clock: () => (authority.now + 2 * HOUR) * 1_000 }, 'DIRECTORY_STALE'],
    ] as const) {
      authority.cosigning = 1
      authority.requests.length = 0
      expect(await codeOf(registered(authority, 'carol', options))).toBe(code)
      expect(authority.requests).toEqual(['GET /v1/directory/log/checkpoint'])
    }
    const carol = await registered(authority, 'carol')
    expect((await carol.client.lookUp('carol')).devices).toHaveLength(1)
  })

  test('that did not arrive fails as the network did', async () => {
    const carol = await newUser(authority, 'carol', {
      fetch: async () => {
        throw new TypeError('no network')
      },
    })
    const call = carol.client.register('carol', { ...carol.keys, name: 'laptop' }, SIGN_UP)
    expect(await codeOf(call)).toBe('TypeError: no network')
  })

  test('that the directory only pretends to accept is refused', async () => {
    const other = await authority.fork()
    const carol = await newUser(authority, 'carol', {
      fetch: (input, init, sign) => (input.endsWith('devices') ? other : authority).fetch(input, init, sign),
    })
    const call = carol.client.register('carol', { ...carol.keys, name: 'laptop' }, SIGN_UP)
    expect(await codeOf(call)).not.toBe('accepted')
    expect(await codeOf(carol.client.ownChain())).toBe('UNAUTHENTICATED')
  })

  test('after a reset continues the sequence in a new chain', async () => {
    await authority.reset('alice')
    const anew = await registered(authority, 'alice')
    expect(await anew.client.ownChain()).toMatchObject({ chain: 1, sequence: 2 })
  })

  test('after a reset on the same installation asks nobody to agree', async () => {
    await authority.reset('alice')
    const anew = await registered(authority, 'alice', { store: alice.store })
    expect((await anew.client.lookUp('alice')).devices).toHaveLength(1)
  })
})

describe('a second device', () => {
  test('is recorded by the first, and works', async () => {
    const phone = await secondDevice(authority, alice)
    expect((await phone.client.lookUp('alice')).devices).toHaveLength(2)
  })

  test('of another user is not approved', async () => {
    const mallory = await newUser(authority, 'mallory')
    const request = await mallory.client.requestDevice('mallory', { ...mallory.keys, name: 'phone' })
    expect(await codeOf(alice.client.approve(request))).toBe('RECORD_INVALID')
  })

  test('whose request was altered is not approved', async () => {
    const phone = await newUser(authority, 'alice')
    const request = await phone.client.requestDevice('alice', { ...phone.keys, name: 'phone' })
    const [header, payload, signature] = request.split('.')
    const cut = `${header}.${payload}.${signature!.slice(4)}`
    expect(await codeOf(alice.client.approve(cut))).toBe('RECORD_INVALID')
  })
})

describe('two devices at once', () => {
  test('the later one signs again on top of the earlier one', async () => {
    const phone = await secondDevice(authority, alice)
    race(() => secondDevice(authority, alice))
    const next = await generateDeviceKeys(nodeBackend, 'x25519', phone.keys.device)
    expect(await phone.client.renew({ ...next, name: 'phone' })).toMatchObject({ sequence: 3 })
    expect((await phone.client.ownChain()).devices).toHaveLength(3)
  })

  test('that never end are a CONFLICT', async () => {
    const phone = await secondDevice(authority, alice)
    race(() => secondDevice(authority, alice), 20)
    expect(await codeOf(phone.client.revoke(phone.keys.device, 'sold'))).toBe('CONFLICT')
    const posts = authority.requests.filter((request) => request === 'POST /v1/directory/entries')
    expect(posts).toHaveLength(5)
  })
})

describe('renewal', () => {
  test('may go up, and from then on the new keys count', async () => {
    const next = await generateDeviceKeys(nodeBackend, 'x-wing', alice.keys.device)
    await alice.client.renew({ ...next, name: 'laptop' })
    expect((await alice.client.lookUp('alice')).devices).toMatchObject([{ profile: 'x-wing' }])
    const old = await newUser(authority, 'alice')
    old.client.use({ username: 'alice', ...alice.keys })
    expect(await codeOf(old.client.lookUp('alice'))).toBe('UNAUTHENTICATED')
  })

  test('may not go down', async () => {
    const next = await generateDeviceKeys(nodeBackend, 'rsa3072', alice.keys.device)
    expect(await codeOf(alice.client.renew({ ...next, name: 'laptop' }))).toBe('SUITE_REFUSED')
  })

  test('whose answer is lost is found with the new key', async () => {
    const next = await generateDeviceKeys(nodeBackend, 'x25519', alice.keys.device)
    authority.loseAnswers = true
    expect(await alice.client.renew({ ...next, name: 'laptop' })).toMatchObject({ sequence: 1 })
    expect((await alice.client.lookUp('alice')).sequence).toBe(1)
  })

  test('keeps the device id', async () => {
    const next = await generateDeviceKeys(nodeBackend, 'x25519')
    expect(await codeOf(alice.client.renew({ ...next, name: 'laptop' }))).toMatch(/^TypeError/)
  })
})

describe('revocation', () => {
  test('of oneself is at once, and the last thing a device signs', async () => {
    const phone = await secondDevice(authority, alice)
    expect(await phone.client.revoke(phone.keys.device, 'sold')).toMatchObject({ sequence: 2 })
    expect((await alice.client.lookUp('alice')).refused).toEqual([
      { device: phone.keys.device, code: 'DEVICE_REVOKED' },
    ])
    expect(await codeOf(phone.client.lookUp('alice'))).toBe('DEVICE_REVOKED')
  })

  test('of another device waits a day, and that device can object', async () => {
    const phone = await secondDevice(authority, alice)
    const { entry } = await alice.client.revoke(phone.keys.device, 'lost')
    await phone.client.object(entry)
    authority.now += DAY + 1
    expect((await alice.client.lookUp('alice')).refused).toEqual([])
  })

  test('by the recovery key is at once', async () => {
    const phone = await secondDevice(authority, alice)
    const recovery = await recoveryKeys()
    await alice.client.setRecovery(recovery)
    authority.now += DAY + 1
    await alice.client.revoke(phone.keys.device, 'stolen', recovery.signer)
    expect((await alice.client.lookUp('alice')).refused).toEqual([
      { device: phone.keys.device, code: 'DEVICE_REVOKED' },
    ])
  })
})

describe('the recovery key', () => {
  test('is replaced at once by itself, and after a day by a device', async () => {
    const [first, second, third] = [await recoveryKeys(), await recoveryKeys(), await recoveryKeys()]
    await alice.client.setRecovery(first)
    authority.now += DAY + 1
    await alice.client.setRecovery(second, first.signer)
    const own = async () => (await alice.client.ownChain()).recovery?.signingKey
    expect(await own()).toEqual(second.signingKey)
    await alice.client.setRecovery(third)
    expect(await own()).toEqual(second.signingKey)
    authority.now += DAY + 1
    expect(await own()).toEqual(third.signingKey)
  })
})

describe('monitor', () => {
  test('finds nothing unexpected in an honest log', async () => {
    await registered(authority, 'bob')
    const { size, unseen, hidden, withheld } = await alice.client.monitor()
    expect({ size, unseen, hidden, withheld }).toEqual({ size: 3, unseen: [], hidden: [], withheld: [] })
  })

  test('shows entries that this device did not sign, until the user acknowledges them', async () => {
    const phone = await secondDevice(authority, alice)
    expect((await phone.client.monitor()).unseen).toMatchObject([
      { kind: 'device', sequence: 0, device: alice.keys.device },
      { kind: 'device', sequence: 1, device: phone.keys.device },
    ])
    await phone.client.acknowledge(1)
    expect((await phone.client.monitor()).unseen).toEqual([])
    await alice.client.revoke(phone.keys.device, 'lost')
    expect((await phone.client.monitor()).unseen).toMatchObject([{ kind: 'revocation', sequence: 2 }])
  })

  test('finds an entry under the own name that look-ups of oneself do not show', async () => {
    await authority.seal('alice', 'a record that others are shown')
    expect((await alice.client.monitor()).hidden).toEqual([2])
    expect((await alice.client.monitor()).hidden).toEqual([2])
  })

  test('reads only what is new, over many tiles', async () => {
    for (let count = 0; count < 600; count++)
      await authority.append(authority.leaves[1]!.slice().fill(1, 2, 66))
    const tiles = () => authority.requests.filter((request) => request.includes('tile/entries')).length
    expect((await alice.client.monitor()).size).toBe(602)
    expect(tiles()).toBe(3)
    await authority.seal('alice', 'late')
    expect((await alice.client.monitor()).hidden).toEqual([602])
    expect(tiles()).toBe(4)
  })

  test('looks for a new contact in what was read before, too', async () => {
    const bob = await registered(authority, 'bob')
    await alice.client.monitor()
    await secondDevice(authority, bob)
    authority.alter = (path, reply, body) =>
      path.endsWith('look-up') && body.username === 'bob'
        ? { ...reply, entries: reply.entries.filter(({ index }: Reply) => index < 3), sequence: 0 }
        : reply
    await alice.client.lookUp('bob')
    expect((await alice.client.monitor()).withheld).toEqual([{ username: 'bob', index: 3 }])
  })

  test('refuses leaves that are not those of the checkpoint, and recovers', async () => {
    await authority.seal('alice', 'a record that others are shown')
    authority.alter = (path, reply: Reply) => {
      if (!path.includes('tile/entries')) return reply
      return { entries: [...reply.entries.slice(0, 2), reply.entries[1]] }
    }
    expect(await codeOf(alice.client.monitor())).toBe('LOG_INCONSISTENT')
    authority.alter = (_, reply) => reply
    expect((await alice.client.monitor()).hidden).toEqual([2])
  })
})

describe('comparing checkpoints', () => {
  let bob: TestUser
  beforeEach(async () => {
    bob = await registered(authority, 'bob')
    await alice.client.lookUp('bob')
  })

  test('of one log says nothing, whichever is newer', async () => {
    const older = (await alice.client.checkpoint())!.note
    await registered(authority, 'carol')
    await bob.client.lookUp('alice')
    const newer = (await bob.client.checkpoint())!.note
    await alice.client.compareCheckpoint(newer)
    await bob.client.compareCheckpoint(older)
    await alice.client.compareCheckpoint(older)
  })

  test('finds a split view', async () => {
    const other = await authority.fork()
    await registered(authority, 'carol')
    await registered(other, 'mallory')
    await alice.client.lookUp('bob')
    const theirs = await other.checkpoint()
    expect(await codeOf(alice.client.compareCheckpoint(theirs))).toBe('LOG_INCONSISTENT')
    await registered(other, 'mallory2')
    expect(await codeOf(alice.client.compareCheckpoint(await other.checkpoint()))).toBe('LOG_INCONSISTENT')
    await registered(authority, 'dave')
    await registered(authority, 'erin')
    expect(await codeOf(alice.client.compareCheckpoint(await other.checkpoint()))).toBe('LOG_INCONSISTENT')
  })

  test('needs no fresh note, and no witnesses: the log signed it', async () => {
    authority.cosigning = 0
    const note = await authority.checkpoint()
    authority.now += 30 * DAY
    await alice.client.compareCheckpoint(note)
  })

  test('of another log proves nothing', async () => {
    const other = await TestAuthority.create()
    expect(await codeOf(alice.client.compareCheckpoint(await other.checkpoint()))).toBe('SIGNATURE_INVALID')
  })
})
