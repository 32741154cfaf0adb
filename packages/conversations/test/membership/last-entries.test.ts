import { expect, test } from 'vitest'
import { signMembershipEntry } from '../../src/index.ts'
import { decodeMembershipEntry, type MembershipFields } from '../../src/membership/entry.ts'
import { ENTRIES_FOR_REMOVAL, MAX_MEMBERSHIP_ENTRIES } from '../../src/membership/limits.ts'
import { codeOf, newHash, TestConversation } from './kit.ts'

const FIRST = MAX_MEMBERSHIP_ENTRIES - ENTRIES_FOR_REMOVAL

test('the last entries of a conversation are for removals: who fills it up can still be removed', async () => {
  const conversation = await TestConversation.create({ ana: 'owner', ben: 'admin' })
  const { signer, by } = await conversation.people.device('ana')
  const sign = (sequence: number, change: Partial<MembershipFields>) => {
    const common = { application: conversation.state.application, conversation: conversation.id, sequence }
    const fields = { ...common, previous: newHash(), issued: conversation.now, by, ...change }
    return signMembershipEntry(signer, fields as MembershipFields)
  }
  const remove = { kind: 'remove', username: 'ben' } as const
  const role = { kind: 'role', username: 'ben', role: 'reader' } as const
  for (const sequence of [FIRST, MAX_MEMBERSHIP_ENTRIES - 1]) {
    expect(decodeMembershipEntry(await sign(sequence, remove))).toMatchObject({ kind: 'remove', sequence })
    expect(await codeOf(sign(sequence, role))).toBe('WIRE_TOO_LARGE')
  }
  const before = await sign(FIRST - 1, role)
  expect(decodeMembershipEntry(before)).toMatchObject({ kind: 'role' })
  // Signed by somebody whose program does not keep to it.
  const [head, payload] = before.split('.') as [string, string]
  const changed = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const forged = Buffer.from(JSON.stringify({ ...changed, sequence: FIRST })).toString('base64url')
  expect(() => decodeMembershipEntry(`${head}.${forged}.${before.split('.')[2]}`)).toThrow(/only removals/)
})
