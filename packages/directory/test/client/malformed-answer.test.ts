import { toBase64url } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLyingAuthority, type LyingAuthority } from './lying-authority.ts'
import type { Reply } from './test-authority.ts'
import { codeOf, newUser } from './test-user.ts'

let authority: LyingAuthority['authority']
let alice: LyingAuthority['alice']
let lie: LyingAuthority['lie']
let lookUp: LyingAuthority['lookUp']

beforeEach(async () => {
  ;({ authority, alice, lie, lookUp } = await createLyingAuthority())
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
