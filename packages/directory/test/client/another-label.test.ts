import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { vrfKeyPair, vrfProve } from '@keyhaven/crypto/vrf'
import { labelInput } from '@keyhaven/directory/log'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import { APPLICATION } from './test-authority.ts'

let authority: LyingAuthority['authority']
let lie: LyingAuthority['lie']
let lookUp: LyingAuthority['lookUp']

beforeEach(async () => {
  ;({ authority, lie, lookUp } = await createLyingAuthority())
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
