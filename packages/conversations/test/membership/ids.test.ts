import { createHash } from 'node:crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { describe, expect, test } from 'vitest'
import { newConversationId, newKeyId, signKeyAnnouncement, signMembershipEntry } from '../../src/index.ts'
import { verifyKeyAnnouncement } from '../../src/key/announcement.ts'
import { isConversationId } from '../../src/membership/ids.ts'
import { ALL_HISTORY, APPLICATION, BACKENDS, codeOf, newHash, newId, START, TestConversation } from './kit.ts'

type Json = Record<string, unknown>

/** Made by nothing of this project: from the characters that are signed. */
function idOf(label: string, jws: string, ...without: readonly string[]): string {
  const payload = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as Json
  for (const name of without) delete payload[name]
  const digest = createHash('sha256')
    .update(`${label}\n${JSON.stringify(payload)}`)
    .digest()
  return digest.subarray(0, 16).toString('base64url')
}

async function creationBy(username: string, conversation = new TestConversation()) {
  const { by, signer } = await conversation.people.device(username)
  const creation = {
    ...{ application: APPLICATION, sequence: 0, previous: null, issued: START, by },
    ...{ kind: 'create' as const, mode: 'sealed' as const, algorithm: 'A256GCM' as const },
    ...{ history: ALL_HISTORY, rotation: { maxAge: null, maxMessages: null }, retention: null },
    members: [await conversation.people.member(username, 'owner')],
  }
  return { conversation, creation, signer }
}

describe('the id of a conversation', () => {
  test('is the hash of what its creator signed without it', async () => {
    const { id, entries } = await TestConversation.create({ ana: 'owner', ben: 'reader' })
    expect(id).toBe(idOf('keyhaven conversation id v1', entries[0]!, 'conversation'))
    expect(isConversationId(id)).toBe(true)
  })

  test('is that of nothing else, whoever signs it: each member changed, each by another hand', async () => {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { id, people, now } = conversation
    const payload = JSON.parse(Buffer.from(conversation.entries[0]!.split('.')[1]!, 'base64url').toString())
    const { by: _, v: __, ...fields } = payload
    const changes: readonly Json[] = [
      { nonce: newId() },
      { issued: now + 1 },
      { mode: 'managed' },
      { history: ALL_HISTORY },
      { rotation: { maxAge: 60, maxMessages: null } },
      { retention: 1 },
      { members: fields.members.toReversed() },
      { members: [...fields.members, await people.member('mallory', 'owner')] },
    ]
    const again = await conversation.sign('ana', fields)
    expect(await codeOf(conversation.fold([again]))).toBe('none')
    for (const change of changes) {
      const entry = await conversation.sign('ana', { ...fields, ...change })
      expect(await codeOf(conversation.fold([entry])), JSON.stringify(change)).toBe('RECORD_INVALID')
    }
    const members = [await people.member('mallory', 'owner')]
    const stolen = await conversation.sign('mallory', { ...fields, members })
    expect(await codeOf(conversation.fold([stolen]))).toBe('RECORD_INVALID')
    expect(idOf('keyhaven conversation id v1', stolen, 'conversation')).not.toBe(id)
  })

  test('never begins with a dash: another nonce is drawn, and no client takes one that does', async () => {
    const { conversation, creation, signer } = await creationBy('ana')
    const hashes = [0xf8, 0xfb, 1].map((first) => new Uint8Array(32).fill(first))
    const backend = { ...nodeBackend, sha256: async () => hashes.shift()! }
    expect((await newConversationId(backend, creation)).conversation).toBe('AQEBAQEBAQEBAQEBAQEBAQ')
    expect(hashes).toEqual([])
    // One that follows from its entry as it must, but for the dash.
    for (;;) {
      const signed = { ...creation, nonce: newId(), conversation: newId() }
      const found = idOf(
        'keyhaven conversation id v1',
        await signMembershipEntry(signer, signed),
        'conversation',
      )
      if (!found.startsWith('-')) continue
      conversation.id = found
      const entry = await signMembershipEntry(signer, { ...signed, conversation: found })
      expect(await codeOf(conversation.fold([entry]))).toBe('RECORD_INVALID')
      break
    }
  })

  test.each(BACKENDS)('is the same on $name, and another one each time', async (backend) => {
    const { conversation, creation } = await creationBy('ana')
    const made = await Promise.all([1, 2].map(() => newConversationId(backend, creation)))
    expect(made[0]!.conversation).not.toBe(made[1]!.conversation)
    conversation.id = made[0]!.conversation
    const entry = await conversation.sign('ana', { ...creation, nonce: made[0]!.nonce })
    expect(await codeOf(conversation.fold([entry]))).toBe('none')
  })
})

describe('the id of a sealed key', () => {
  async function announced() {
    const conversation = await TestConversation.create({ ana: 'owner', ben: 'member' })
    const { by, signer } = await conversation.people.device('ana')
    const { sequence, head } = conversation.state
    const unnamed = {
      ...{ application: APPLICATION, conversation: conversation.id, algorithm: 'A256GCM' as const },
      ...{ membership: { sequence, head }, recipients: { count: 1, root: newHash() }, issued: START, by },
    }
    return { conversation, unnamed, signer }
  }

  test('is the hash of its announcement without it and the commitment', async () => {
    const { unnamed, signer } = await announced()
    const named = await newKeyId(nodeBackend, unnamed)
    const jws = await signKeyAnnouncement(signer, { ...unnamed, ...named, commitment: newHash() })
    expect(named.key).toBe(idOf('keyhaven conversation key id v1', jws, 'key', 'commitment'))
  })

  test('is that of no other announcement, by the same device or another', async () => {
    const { conversation, unnamed, signer } = await announced()
    const named = await newKeyId(nodeBackend, unnamed)
    const { application, conversation: id } = unnamed
    const mallory = await conversation.people.device('mallory')
    const codeFor = async (over: Json, by = signer) => {
      const fields = { ...unnamed, ...named, commitment: newHash(), ...over }
      const expected = { application, conversation: id, key: named.key, authors: conversation.people }
      return codeOf(verifyKeyAnnouncement(nodeBackend, await signKeyAnnouncement(by, fields), expected))
    }
    expect(await codeFor({})).toBe('none')
    expect(await codeFor({ by: mallory.by }, mallory.signer)).toBe('RECORD_INVALID')
    for (const over of [
      { nonce: newId() },
      { issued: START + 1 },
      { membership: { sequence: 0, head: newHash() } },
      { recipients: { count: 2, root: unnamed.recipients.root } },
      { recipients: { count: 1, root: newHash() } },
    ]) {
      expect(await codeFor(over), JSON.stringify(over)).toBe('RECORD_INVALID')
    }
  })

  test('never begins with a dash', async () => {
    const { unnamed } = await announced()
    const hashes = [0xf8, 1].map((first) => new Uint8Array(32).fill(first))
    const { key } = await newKeyId({ ...nodeBackend, sha256: async () => hashes.shift()! }, unnamed)
    expect(key).toBe('AQEBAQEBAQEBAQEBAQEBAQ')
  })
})
