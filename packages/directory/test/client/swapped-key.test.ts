import { fromBase64url, toBase64url } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import { secondDevice } from './test-user.ts'

let authority: LyingAuthority['authority']
let alice: LyingAuthority['alice']
let bob: LyingAuthority['bob']
let lie: LyingAuthority['lie']
let lookUp: LyingAuthority['lookUp']
let swappedEntry: LyingAuthority['swappedEntry']

beforeEach(async () => {
  ;({ authority, alice, bob, lie, lookUp, swappedEntry } = await createLyingAuthority())
})

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
