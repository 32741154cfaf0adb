import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  addCheckpoint,
  addCosignatures,
  formatAddCheckpoint,
  type Witness,
  type WitnessAnswer,
  type WitnessedLog,
} from '@keyhaven/directory/log'
import { beforeEach, describe, expect, test } from 'vitest'
import { ORIGIN, type Reply, TestAuthority } from './test-authority.ts'
import { codeOf, newUser, registered, type TestUser } from './test-user.ts'

const HOUR = 3_600

/** Shown to alice and bob. They were registered before it forked. */
let one: TestAuthority
/** Shown to a new device of bob. */
let two: TestAuthority
let alice: TestUser
let bob: TestUser

beforeEach(async () => {
  one = await TestAuthority.create()
  one.cosigning = 0
  alice = await registered(one, 'alice')
  bob = await registered(one, 'bob')
  two = await one.fork()
  two.cosigning = 0
})

/** Bob's device with nothing remembered, at an authority. */
async function bobAt(authority: TestAuthority, trust: TestAuthority['trust']): Promise<TestUser> {
  const device = await newUser(authority, 'bob', { trust })
  device.client.use({ username: 'bob', ...bob.keys })
  return device
}

describe('two sides that never meet', () => {
  test('go unseen without a witness: each of them only grows', async () => {
    const there = await bobAt(two, two.trust)
    await registered(one, 'carol')
    await registered(two, 'carol')
    for (const name of ['dave', 'erin', 'frank']) {
      await registered(one, name)
      await registered(two, `another ${name}`)
      const real = await alice.client.lookUp('carol')
      const swapped = await there.client.lookUp('carol')
      expect(swapped.devices[0]!.device).not.toBe(real.devices[0]!.device)
      for (const { client } of [alice, there]) {
        expect(await client.monitor()).toMatchObject({ hidden: [], withheld: [] })
      }
    }
    // Until they compare.
    const { note } = (await there.client.checkpoint())!
    expect(await codeOf(alice.client.compareCheckpoint(note))).toBe('LOG_INCONSISTENT')
  })
})

describe('one witness that is asked by both sides', () => {
  let state: Map<string, WitnessedLog>
  let witness: Witness

  beforeEach(() => {
    state = new Map()
    witness = {
      signer: one.keys.witnesses[0]!,
      logs: new Map([[ORIGIN, [one.keys.log.checkpoint.verifier]]]),
      state: {
        read: async (origin) => state.get(origin),
        compareAndSet: async (origin, expectedSize, next) => {
          if ((state.get(origin)?.size ?? 0) !== expectedSize) return false
          state.set(origin, next)
          return true
        },
      },
      clock: () => one.now,
    }
  })

  async function ask(authority: TestAuthority, oldSize: number): Promise<WitnessAnswer> {
    const note = await authority.checkpoint()
    const proof = await authority.consistency(oldSize, authority.leaves.length)
    return addCheckpoint(nodeBackend, witness, formatAddCheckpoint({ oldSize, proof, note }))
  }

  /** The authority's newest checkpoint, with what the witness says to it. */
  async function cosigned(authority: TestAuthority, oldSize: number): Promise<string> {
    const { status, body } = await ask(authority, oldSize)
    expect(status).toBe(200)
    return addCosignatures(nodeBackend, await authority.checkpoint(), body, [witness.signer.verifier])
  }

  /** What it proves, it proves as well as it can for a checkpoint of that size. */
  function show(authority: TestAuthority, checkpoint: string, size = authority.leaves.length): void {
    const proofOf = async (index: number) =>
      (await authority.inclusion(index, size)).map((hash) => toBase64url(hash))
    authority.alter = async (path, reply) => {
      if (!path.endsWith('/look-up')) return reply
      const entries = reply.entries.filter(({ index }: Reply) => index < size)
      for (const entry of entries) entry.proof = await proofOf(entry.index)
      // Whoever remembers a checkpoint here remembers this one.
      if (reply.parametersProof === undefined) return { ...reply, entries, checkpoint, consistency: [] }
      const parametersProof = { ...reply.parametersProof, proof: await proofOf(0) }
      return { ...reply, entries, checkpoint, parametersProof }
    }
  }

  test('cosigns one of them, and the other is shown to nobody who demands it', async () => {
    const common = await cosigned(one, 0)
    await registered(one, 'carol')
    await registered(two, 'carol')
    const first = await cosigned(one, 3)
    show(one, first)
    const demanding = await newUser(one, 'alice', { trust: one.witnessed(1) })
    demanding.client.use({ username: 'alice', ...alice.keys })
    expect(await codeOf(demanding.client.lookUp('carol'))).toBe('accepted')

    // Of the same size, longer, from before the fork or from nothing: it never cosigns the other.
    expect(await ask(two, 4)).toMatchObject({ status: 422 })
    for (const oldSize of [0, 3]) expect(await ask(two, oldSize)).toMatchObject({ status: 409, body: '4\n' })
    await registered(two, 'mallory')
    expect(await ask(two, 4)).toMatchObject({ status: 422 })
    expect(state.get(ORIGIN)?.size).toBe(4)

    const there = await bobAt(two, two.witnessed(1))
    const line = first.split('\n').find((text) => text.startsWith(`— ${witness.signer.verifier.name} `))
    for (const [name, checkpoint, code] of [
      ['without a cosignature', await two.checkpoint(), 'PROOF_INVALID'],
      ['with that of the first', `${await two.checkpoint()}${line}\n`, 'SIGNATURE_INVALID'],
      ['the first one itself', first, 'PROOF_INVALID'],
    ] as const) {
      show(two, checkpoint, name === 'the first one itself' ? 4 : two.leaves.length)
      expect(await codeOf(there.client.lookUp('carol')), name).toBe(code)
    }
    // What both have can be shown while it is fresh: nothing in it differs.
    show(two, common, 3)
    expect(await codeOf(there.client.lookUp('carol'))).toBe('CHAIN_BROKEN')
    expect(await codeOf(there.client.lookUp('alice'))).toBe('accepted')
    one.now += HOUR + 1
    two.now = one.now
    expect(await codeOf(there.client.lookUp('alice'))).toBe('DIRECTORY_STALE')
  })
})
