import { fromBase64url, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { vrfKeyPair, vrfProve } from '@keyhaven/crypto/vrf'
import { generateDeviceKeys } from '@keyhaven/directory'
import {
  createLogSigner,
  formatCheckpoint,
  formatVerifierKey,
  labelInput,
  parseNote,
  signNote,
} from '@keyhaven/directory/log'
import { beforeEach, describe, expect, test } from 'vitest'
import { signDeviceKeyRequest } from '../../src/chain/device-key-request.ts'
import { type EntryFields, signEntry } from '../../src/chain/entry.ts'
import { APPLICATION, ORIGIN, type Reply, TestAuthority } from './test-authority.ts'
import { codeOf, newUser, registered, secondDevice, type TestUser } from './test-user.ts'

const HOUR = 3_600

let authority: TestAuthority
let alice: TestUser
let bob: TestUser

beforeEach(async () => {
  authority = await TestAuthority.create()
  alice = await registered(authority, 'alice')
  bob = await registered(authority, 'bob')
})

/** From now on answers to look-ups of bob are altered. */
function lie(change: (reply: Reply, body: Reply) => Reply | Promise<Reply>): void {
  authority.alter = (path, reply, body) =>
    path.endsWith('/look-up') && body.username === 'bob' ? change(reply, body) : reply
}

const lookUp = () => codeOf(alice.client.lookUp('bob'))

/** A first entry of bob with keys that are not bob's. */
async function swappedEntry(changes: Partial<EntryFields> = {}): Promise<string> {
  const keys = await generateDeviceKeys(nodeBackend, 'x25519', bob.keys.device)
  const request = await signDeviceKeyRequest(nodeBackend, keys.signer, {
    application: APPLICATION,
    username: 'bob',
    device: bob.keys.device,
    name: 'laptop',
    profile: 'x25519',
    encryptionKey: keys.encryptionKey,
    notBefore: authority.now,
    expires: authority.now + 24 * HOUR,
  })
  const { state } = authority.users.get('bob')!
  return signEntry(nodeBackend, keys.signer, {
    application: APPLICATION,
    username: 'bob',
    chain: 0,
    sequence: state.sequence + 1,
    previous: state.head,
    issued: authority.now,
    kind: 'device',
    request,
    ...changes,
  } as EntryFields)
}

describe('a swapped key', () => {
  test('outside the log', async () => {
    const entry = await swappedEntry({ sequence: 0, previous: null })
    lie((reply) => ({ ...reply, entries: [{ ...reply.entries[0], entry }] }))
    expect(await lookUp()).toBe('PROOF_INVALID')
  })

  test('in the log, in place of the first entry: seen by whoever knew the user', async () => {
    await alice.client.lookUp('bob')
    const { rows } = authority.users.get('bob')!
    rows[0] = await authority.seal('bob', await swappedEntry({ sequence: 0, previous: null }))
    await secondDevice(authority, bob)
    expect((await alice.client.lookUp('bob')).devices.map(({ signingKey }) => signingKey.jwk)).toContainEqual(
      bob.keys.signer.jwk,
    )
  })

  test('in the log, as a next entry that no device of the user signed', async () => {
    const row = await authority.seal('bob', await swappedEntry())
    authority.users.get('bob')!.rows.push(row)
    lie((reply) => ({ ...reply, sequence: 1 }))
    expect(await lookUp()).toMatch(/CHAIN_BROKEN|RECORD_INVALID/)
  })

  test('without the acceptance of the authority', async () => {
    lie((reply) => {
      const [first] = reply.entries
      const parts = first.acceptance.split('.')
      const signature = fromBase64url(parts[2])
      signature[5]! ^= 1
      const acceptance = [parts[0], parts[1], toBase64url(signature)].join('.')
      return { ...reply, entries: [{ ...first, acceptance }] }
    })
    expect(await lookUp()).toBe('RECORD_INVALID')
  })

  test('with the acceptance of another entry', async () => {
    const other = authority.users.get('alice')!.rows[0]!.acceptance
    lie((reply) => ({ ...reply, entries: [{ ...reply.entries[0], acceptance: other }] }))
    expect(await lookUp()).toBe('RECORD_INVALID')
  })
})

describe('entries left out', () => {
  beforeEach(async () => {
    await secondDevice(authority, bob)
    await secondDevice(authority, bob)
  })

  test('in the middle', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[0], reply.entries[2]] }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('in the middle, with a sequence that fits their number', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[0], reply.entries[2]], sequence: 1 }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the start', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(1) }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the end, although the answer names it', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2) }))
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('at the end, from somebody who has seen it', async () => {
    await alice.client.lookUp('bob')
    lie((reply) => ({ ...reply, entries: [], sequence: 1 }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('at the end, from somebody who was told of it', async () => {
    const { head, sequence } = authority.users.get('bob')!.state
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2), sequence: 1 }))
    const atLeast = { sequence, head: head! }
    expect(await codeOf(alice.client.lookUp('bob', { atLeast }))).toBe('DIRECTORY_STALE')
  })

  test('at the end, from a stranger: found by looking through the log', async () => {
    lie((reply) => ({ ...reply, entries: reply.entries.slice(0, 2), sequence: 1 }))
    expect(await lookUp()).toBe('accepted')
    lie((reply) => ({ ...reply, entries: [], sequence: 1 }))
    const { withheld, hidden } = await alice.client.monitor()
    expect(withheld).toEqual([{ username: 'bob', index: 4 }])
    expect(hidden).toEqual([])
  })

  test('all of them: a user that was there is not NOT_FOUND', async () => {
    await alice.client.lookUp('bob')
    authority.users.delete('bob')
    expect(await lookUp()).toBe('CHAIN_BROKEN')
  })

  test('and another order in the log', async () => {
    lie((reply) => ({ ...reply, entries: [reply.entries[1], reply.entries[0], reply.entries[2]] }))
    expect(await lookUp()).toBe('PROOF_INVALID')
  })
})

describe('another log', () => {
  test('forked between two look-ups', async () => {
    const other = await authority.fork()
    await registered(authority, 'carol')
    await alice.client.lookUp('bob')
    await registered(other, 'mallory')
    await registered(other, 'mallory2')
    lie(async (reply, { logSize }) => {
      expect(logSize).toBe(authority.leaves.length)
      const forked = await other.fork()
      return { ...reply, checkpoint: await forked.checkpoint() }
    })
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('forked at the same size', async () => {
    const other = await authority.fork()
    await registered(authority, 'carol')
    await registered(other, 'mallory')
    await alice.client.lookUp('bob')
    lie(async (reply) => ({ ...reply, checkpoint: await other.checkpoint() }))
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('that shrank: a restored database', async () => {
    const backup = await authority.fork()
    await registered(authority, 'carol')
    await alice.client.lookUp('bob')
    let server = authority
    const client = await newUser(authority, 'alice', {
      store: alice.store,
      fetch: (...call) => server.fetch(...call),
    })
    client.client.use({ username: 'alice', ...alice.keys })
    server = backup
    expect(await codeOf(client.client.lookUp('bob'))).toBe('LOG_INCONSISTENT')
    await registered(backup, 'dave')
    await registered(backup, 'erin')
    expect(await codeOf(client.client.lookUp('bob'))).toBe('LOG_INCONSISTENT')
  })

  test('of some minutes ago is taken if it lost nothing, and does not make the client forget', async () => {
    const minutesAgo = await authority.fork()
    await registered(authority, 'carol')
    const { checkpoint } = await alice.client.lookUp('bob')
    lie(async (reply) => ({ ...reply, checkpoint: await minutesAgo.checkpoint() }))
    expect((await alice.client.lookUp('bob')).checkpoint.size).toBe(checkpoint.size - 1)
    expect(await alice.client.checkpoint()).toEqual(checkpoint)
  })

  test('without a proof that it grew', async () => {
    await alice.client.lookUp('bob')
    await registered(authority, 'carol')
    lie(({ consistency: _, ...reply }) => reply)
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('with one hash of the proof flipped', async () => {
    await alice.client.lookUp('bob')
    await registered(authority, 'carol')
    lie((reply) => {
      const [first, ...rest] = reply.consistency
      const bytes = fromBase64url(first)
      bytes[0]! ^= 1
      return { ...reply, consistency: [toBase64url(bytes), ...rest] }
    })
    expect(await lookUp()).toBe('LOG_INCONSISTENT')
  })

  test('signed by another key', async () => {
    const key = await nodeBackend.signatures.generateKeyPair('EdDSA')
    const log = await createLogSigner(nodeBackend, ORIGIN, key)
    const stranger = await newUser(authority, 'alice', {
      trust: { log: formatVerifierKey(log.checkpoint.verifier) },
    })
    stranger.client.use({ username: 'alice', ...alice.keys })
    expect(await codeOf(stranger.client.lookUp('bob'))).toBe('SIGNATURE_INVALID')
  })

  test('of another origin, signed by the trusted key', async () => {
    const text = formatCheckpoint({ origin: 'log.test/other', size: 3, root: new Uint8Array(32) })
    const note = await signNote(nodeBackend, text, [authority.keys.log.checkpoint])
    lie((reply) => ({ ...reply, checkpoint: note }))
    expect(await lookUp()).toBe('SIGNATURE_INVALID')
    expect(await codeOf(alice.client.compareCheckpoint(note))).toBe('SIGNATURE_INVALID')
  })

  test('without a time of its own', async () => {
    const text = parseNote(await authority.checkpoint()).text
    const note = await signNote(nodeBackend, text, [authority.keys.log.checkpoint])
    lie((reply) => ({ ...reply, checkpoint: note }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('of an hour ago', async () => {
    const old = await authority.checkpoint()
    authority.now += HOUR + 1
    lie((reply) => ({ ...reply, checkpoint: old }))
    expect(await lookUp()).toBe('DIRECTORY_STALE')
  })

  test('of the future', async () => {
    lie(async (reply) => ({
      ...reply,
      checkpoint: await authority.checkpoint(authority.leaves.length, authority.now + HOUR),
    }))
    expect(await lookUp()).toBe('CLOCK_SKEW')
  })

  test('with fewer witnesses than the app demands', async () => {
    const careful = await registered(authority, 'careful', { trust: authority.witnessed(2) })
    authority.cosigning = 1
    expect(await codeOf(careful.client.lookUp('bob'))).toBe('PROOF_INVALID')
  })
})

describe('a first look', () => {
  let carol: TestUser

  async function firstLook(change: (reply: Reply) => Reply | Promise<Reply>): Promise<string> {
    carol = await newUser(authority, 'alice')
    carol.client.use({ username: 'alice', ...alice.keys })
    lie(change)
    return codeOf(carol.client.lookUp('bob'))
  }

  test('without leaf 0', async () => {
    expect(await firstLook(({ parametersProof: _, ...reply }) => reply)).toBe('PROOF_INVALID')
  })

  test.each(['application', 'origin'])('with a leaf 0 of another %s', async (name) => {
    const evil = await TestAuthority.create()
    const leaf = evil.parameters({ [name]: 'other' })
    const code = await firstLook((reply) => ({
      ...reply,
      parametersProof: { ...reply.parametersProof, leaf: toBase64url(leaf) },
    }))
    expect(code).toBe('PROOF_INVALID')
  })

  test('with another VRF or authority key than the log has', async () => {
    const vrf = vrfKeyPair(nodeBackend.randomBytes(32))
    const leaf = authority.parameters({ vrfKey: toBase64url(vrf.publicKey) })
    const code = await firstLook((reply) => ({
      ...reply,
      label: toBase64url(vrfProve(vrf.secretKey, labelInput(APPLICATION, 'bob'))),
      parametersProof: { ...reply.parametersProof, leaf: toBase64url(leaf) },
    }))
    expect(code).toBe('PROOF_INVALID')
  })

  test('leaves nothing behind that was not proven', async () => {
    await firstLook(({ parametersProof: _, ...reply }) => reply)
    expect(await carol.client.checkpoint()).toBeUndefined()
  })
})

describe('a label', () => {
  test('by another VRF key', async () => {
    const vrf = vrfKeyPair(nodeBackend.randomBytes(32))
    const label = toBase64url(vrfProve(vrf.secretKey, labelInput(APPLICATION, 'bob')))
    lie((reply) => ({ ...reply, label }))
    expect(await lookUp()).toBe('PROOF_INVALID')
  })

  test('of another user', async () => {
    lie((reply) => ({ ...reply, label: toBase64url(authority.prove('alice')) }))
    expect(await lookUp()).toBe('PROOF_INVALID')
  })

  test('that is not the one in the leaf', async () => {
    const { rows } = authority.users.get('bob')!
    const [row] = rows
    const moved = await authority.seal('alice', row!.entry)
    rows[0] = { ...row!, index: moved.index, opening: moved.opening }
    expect(await lookUp()).toBe('PROOF_INVALID')
  })
})

test("another user's chain", async () => {
  const { rows, state } = authority.users.get('alice')!
  authority.users.set('bob', { rows: [...rows], state })
  expect(await lookUp()).toBe('PROOF_INVALID')
})

test("another user's chain, put into the log under the label asked for", async () => {
  const { rows, state } = authority.users.get('alice')!
  const row = await authority.seal('bob', rows[0]!.entry)
  authority.users.set('bob', { rows: [row], state })
  expect(await lookUp()).toBe('RECORD_INVALID')
})

test('a proof of another leaf', async () => {
  const { rows } = authority.users.get('bob')!
  rows[0] = { ...rows[0]!, index: 1 }
  expect(await lookUp()).toBe('PROOF_INVALID')
})

test('another opening', async () => {
  const { rows } = authority.users.get('bob')!
  rows[0] = { ...rows[0]!, opening: new Uint8Array(32) }
  expect(await lookUp()).toBe('PROOF_INVALID')
})

describe('an answer of the wrong form', () => {
  const forms: Record<string, (reply: Reply) => Reply> = {
    'no label': ({ label: _, ...reply }) => reply,
    'a short label': (reply) => ({ ...reply, label: 'AAAA' }),
    'a sequence that is no number': (reply) => ({ ...reply, sequence: '0' }),
    'a negative sequence': (reply) => ({ ...reply, sequence: -1 }),
    'entries that are no list': (reply) => ({ ...reply, entries: {} }),
    'an entry that is no object': (reply) => ({ ...reply, entries: ['x'] }),
    'an index with a fraction': (reply) => ({ ...reply, entries: [{ ...reply.entries[0], index: 0.5 }] }),
    'a proof hash of 31 bytes': (reply) => ({
      ...reply,
      entries: [{ ...reply.entries[0], proof: ['A'.repeat(42)] }],
    }),
    'keys of no device': (reply) => ({ ...reply, encryptionKeys: { __proto__x: 'a' } }),
    'encryption keys as a list': (reply) => ({ ...reply, encryptionKeys: [] }),
    'a checkpoint that is none': (reply) => ({ ...reply, checkpoint: 'x' }),
  }
  test.each(Object.entries(forms))('%s', async (_, change) => {
    lie(change)
    expect(await lookUp()).toBe('WIRE_MALFORMED')
  })

  test.each([
    [
      'an entry',
      (reply: Reply) => ({ ...reply, entries: [{ ...reply.entries[0], entry: 'x'.repeat(20_000) }] }),
    ],
    ['a proof', (reply: Reply) => ({ ...reply, consistency: Array(100).fill('A'.repeat(43)) })],
  ])('%s over the limit', async (_, change) => {
    lie(change)
    expect(await lookUp()).toBe('WIRE_TOO_LARGE')
  })

  test('text that is no JSON', async () => {
    const fetch = async () => new Response('<html>')
    const client = await newUser(authority, 'alice', { fetch })
    client.client.use({ username: 'alice', ...alice.keys })
    expect(await codeOf(client.client.lookUp('bob'))).toBe('WIRE_MALFORMED')
  })
})

test('every bit of proof, opening, label and checkpoint root counts', async () => {
  const names = ['opening', 'proof'] as const
  for (const name of names) {
    for (const bit of [0, 100, 255]) {
      lie((reply) => {
        const [first] = reply.entries
        const text: string = name === 'proof' ? first.proof[0] : first.opening
        const bytes = fromBase64url(text)
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        const flipped = toBase64url(bytes)
        const entry =
          name === 'proof'
            ? { ...first, proof: [flipped, ...first.proof.slice(1)] }
            : { ...first, opening: flipped }
        return { ...reply, entries: [entry] }
      })
      expect(await lookUp(), `${name} ${bit}`).toBe('PROOF_INVALID')
    }
  }
  for (const bit of [0, 255, 256, 383, 384, 639]) {
    lie((reply) => {
      const bytes = fromBase64url(reply.label)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return { ...reply, label: toBase64url(bytes) }
    })
    expect(await lookUp(), `label ${bit}`).toBe('PROOF_INVALID')
  }
})

describe('after a refusal', () => {
  test('nothing refused is remembered, and the truth is taken again', async () => {
    const before = await alice.client.checkpoint()
    lie((reply) => ({ ...reply, label: toBase64url(authority.prove('alice')) }))
    expect(await lookUp()).toBe('PROOF_INVALID')
    expect((await alice.client.checkpoint())!.size).toBeGreaterThanOrEqual(before!.size)
    authority.alter = (_, reply) => reply
    expect(await lookUp()).toBe('accepted')
  })

  test('an entry of the authority under its label that is no entry', async () => {
    const row = await authority.seal('bob', 'not.a.jws')
    authority.users.get('bob')!.rows.push(row)
    lie((reply) => ({ ...reply, sequence: 1 }))
    expect(await lookUp()).toBe('RECORD_INVALID')
  })
})
