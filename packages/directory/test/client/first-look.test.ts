import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { vrfKeyPair, vrfProve } from '@keyhaven/crypto/vrf'
import { labelInput } from '@keyhaven/directory/log'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import { APPLICATION, type Reply, TestAuthority } from './test-authority.ts'
import { codeOf, newUser, type TestUser } from './test-user.ts'

let authority: LyingAuthority['authority']
let alice: LyingAuthority['alice']
let lie: LyingAuthority['lie']

beforeEach(async () => {
  ;({ authority, alice, lie } = await createLyingAuthority())
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
