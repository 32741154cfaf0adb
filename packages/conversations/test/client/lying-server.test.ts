import { fromBase64url, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import type { DeviceSigner } from '@keyhaven/messaging'
import { beforeEach, describe, expect, test } from 'vitest'
import { APPLICATION } from '../../../messaging/test/kit/test-directory.ts'
import {
  commitmentOfKey,
  encodeReceipt,
  membershipHash,
  membershipItem,
  newKeyId,
  recipientsRoot,
  signKeyAnnouncement,
  signMembershipEntry,
  wrapConversationKey,
} from '../../src/index.ts'
import { decodeMembershipEntry, type MembershipFields } from '../../src/membership/entry.ts'
import { authorOf } from './kit/forgeries.ts'
import { TestKeyServer } from './kit/test-key-server.ts'
import { codeOf, createPair, listOf, type Pair, type TestDevice, type World } from './kit/world.ts'

const MINUTE = 60
let world: World
let anna: TestDevice
let ben: TestDevice
let chatOf: Pair['chatOf']

beforeEach(async () => {
  ;({ world, anna, ben, chatOf } = await createPair())
})

const isKey = (path: string) => path.startsWith('/v1/keys/')
const isView = (method: string, path: string) =>
  method === 'GET' && /^\/v1\/conversations\/[^/]+(\?|$)/.test(path)

/** Signs an entry on top of the newest, whatever the rules say. */
async function entryBy(
  device: TestDevice,
  id: string,
  change: object,
  signer: DeviceSigner = device.keys.signingKey,
): Promise<string> {
  const { state } = world.server.conversations.get(id)!
  return signMembershipEntry(signer, {
    ...{ application: APPLICATION, conversation: id, sequence: state.sequence + 1, previous: state.head },
    ...{ issued: world.directory.now, by: await authorOf(world, device) },
    ...change,
  } as MembershipFields)
}

/** What a lying server adds to its answer: an entry that it never checked. */
async function smuggle(id: string, entry: string): Promise<void> {
  const commitment = await world.server.log.commit(membershipItem(entry))
  const head = await membershipHash(nodeBackend, entry)
  const { sequence } = decodeMembershipEntry(entry)
  world.server.lie = async (method, path, answer) => {
    if (!isView(method, path) || !path.includes(id)) return answer
    const entries = [...answer.entries, { entry, acceptedAt: 0, commitment }]
    const indexes = entries.map((logged: { commitment: { logIndex: number } }) => logged.commitment.logIndex)
    return { ...answer, entries, sequence, head, ...(await world.server.log.proofs(indexes)) }
  }
}

describe('keys', () => {
  test('another key under the same id, another id, another mode: refused, and never kept', async () => {
    const chat = await chatOf()
    const { keyId, packet } = await chat.encrypt('hello')
    const other = await chat.rotate()
    const managed = toBase64url(nodeBackend.randomBytes(32))
    const lies: Record<string, (answer: Record<string, unknown>) => object> = {
      SIGNATURE_INVALID: (answer) => ({ ...answer, announcement: tampered(answer.announcement as string) }),
      OPEN_FAILED: (answer) => ({ ...answer, wrapped: toBase64url(nodeBackend.randomBytes(80)) }),
      PROOF_INVALID: (answer) => ({ ...answer, proof: { index: 0, proof: [] } }),
      SUITE_REFUSED: (answer) => ({ ...answer, algorithm: 'A128CBC-HS256' }),
    }
    for (const [code, lie] of Object.entries(lies)) {
      world.server.lie = (_, path, answer) => (isKey(path) ? lie(answer) : answer)
      expect(await codeOf(world.again(ben).conversations.decrypt(keyId, packet)), code).toBe(code)
    }
    const known = ['announcement', 'wrapped', 'proof', 'share']
    world.server.lie = (_, path, answer) => {
      if (!isKey(path)) return answer
      const rest = Object.entries(answer).filter(([name]) => !known.includes(name))
      return { ...Object.fromEntries(rest), mode: 'managed', key: managed }
    }
    const asManaged = await ben.conversations.decrypt(keyId, packet).catch((error) => error)
    expect(asManaged).toMatchObject({ code: 'RECORD_INVALID', message: expect.stringContaining('managed') })
    world.server.lie = (_, path, answer) => (isKey(path) ? { ...answer, id: other } : answer)
    expect(await codeOf(ben.conversations.decrypt(keyId, packet))).toBe('RECORD_INVALID')
    world.server.lie = undefined
    expect(await ben.conversations.decrypt(keyId, packet)).toMatchObject({ text: 'hello' })
  })

  test('nothing is sent under the key of an older membership, whatever the server says', async () => {
    const chat = await chatOf()
    await world.device('carl')
    const { keyId } = await chat.encrypt('two of us')
    await chat.add({ carl: 'member' })
    world.server.lie = (method, path, answer) =>
      isView(method, path) ? { ...answer, currentKey: keyId } : answer
    world.clock.advance(2 * MINUTE)
    expect((await chat.encrypt('three of us')).keyId).not.toBe(keyId)
  })

  test('a managed key for a membership that was never signed ends sending here', async () => {
    const chat = await chatOf({ mode: 'managed' })
    const { keyId, packet } = await chat.encrypt('hello')
    const head = toBase64url(nodeBackend.randomBytes(32))
    world.server.lie = (_, path, answer) =>
      isKey(path) ? { ...answer, membership: { sequence: 0, head } } : answer
    expect(await codeOf(ben.conversations.decrypt(keyId, packet))).toBe('MEMBERSHIP_FORKED')
    world.server.lie = undefined
    expect(await codeOf((await ben.conversations.open(chat.id)).encrypt('hello'))).toBe('MEMBERSHIP_FORKED')
  })

  test('a recipient whom the maker did not name shows, and so does one who is no member', async () => {
    const chat = await chatOf()
    const { keyId } = await chat.encrypt('hello')
    const mallory = await world.device('mallory')
    const ghost = {
      ...{ username: 'mallory', device: mallory.keys.device },
      thumbprint: mallory.keys.encryptionKey.thumbprint,
    }
    expect(await chat.holders(keyId)).toHaveLength(2)
    world.server.lie = (_, path, answer) =>
      path.endsWith('/recipients') ? { ...answer, items: [...answer.items, ghost] } : answer
    expect(await codeOf(chat.holders(keyId))).toBe('PROOF_INVALID')
    world.server.lie = (_, path, answer) =>
      path.endsWith('/recipients') ? { ...answer, items: [answer.items[0], ghost] } : answer
    expect(await codeOf(chat.holders(keyId))).toBe('PROOF_INVALID')
  })

  test('a device that the server invents, or that may not read, gets no key from another one', async () => {
    const chat = await chatOf()
    const { keyId } = await chat.encrypt('hello')
    const mallory = await world.device('mallory')
    const carl = await world.device('carl')
    world.clock.advance(MINUTE)
    await chat.add({ carl: 'member' })
    const asked = (username: string, device: string) => ({
      key: keyId,
      conversation: chat.id,
      username,
      device,
    })
    const ghosts = [
      asked('mallory', mallory.keys.device),
      asked('ben', mallory.keys.device),
      asked('carl', carl.keys.device),
      asked('nobody', toBase64url(nodeBackend.randomBytes(16))),
    ]
    world.server.lie = (_, path, answer) =>
      path === '/v1/key-requests' ? { ...answer, items: ghosts } : answer
    expect(await anna.conversations.answerKeyRequests()).toBe(0)
    expect(world.server.calls.filter((call) => call.endsWith('/shares'))).toEqual([])
  })

  test('a key that somebody made who may not is refused', async () => {
    const carl = await world.device('carl')
    const chat = await chatOf({ members: { ben: 'member', carl: 'reader' } })
    const { keyId } = await chat.encrypt('hello')
    const { thumbprint, publicJwk } = ben.keys.encryptionKey
    const to = { username: 'ben', device: ben.keys.device, thumbprint }
    const unnamed = {
      ...{ application: APPLICATION, conversation: chat.id, algorithm: 'A256GCM' as const },
      ...{ membership: chat.head, issued: world.directory.now, by: await authorOf(world, carl) },
      recipients: await recipientsRoot(nodeBackend, [to]),
    }
    const { key: id, nonce } = await newKeyId(nodeBackend, unnamed)
    const context = { application: APPLICATION, conversation: chat.id, key: id }
    const secret = nodeBackend.randomBytes(32)
    const wrapContext = { ...context, from: carl.keys.device, to }
    const wrapped = await wrapConversationKey(nodeBackend, publicJwk, wrapContext, secret)
    const announcement = await signKeyAnnouncement(carl.keys.signingKey, {
      ...{ ...unnamed, key: id, nonce },
      commitment: await commitmentOfKey(nodeBackend, context, secret),
    })
    const { common } = world.server.keys.get(keyId)!
    world.server.keys.set(id, {
      ...{ common: { ...common, id }, upload: { announcement, recipients: [{ ...to, wrapped }] } },
      ...{ shares: new Map(), requests: new Set() },
    })
    expect(await codeOf(ben.conversations.decrypt(id, new Uint8Array(100).fill(1)))).toBe('ACCESS_DENIED')
    await chat.setRole('carl', 'member')
    expect(await codeOf(ben.conversations.decrypt(id, new Uint8Array(100).fill(1)))).toBe('ACCESS_DENIED')
  })

  test('a shared key must be the announced one', async () => {
    const chat = await chatOf()
    const { keyId, packet } = await chat.encrypt('hello')
    world.clock.advance(MINUTE)
    const phone = await world.device('ben', ben)
    await codeOf(phone.conversations.decrypt(keyId, packet))
    await chat.rotate()
    expect(await anna.conversations.answerKeyRequests()).toBe(1)
    const stored = world.server.keys.get(keyId)!
    const share = stored.shares.get(phone.keys.device)!
    stored.shares.set(phone.keys.device, { ...share, wrapped: toBase64url(nodeBackend.randomBytes(80)) })
    expect(await codeOf(phone.conversations.decrypt(keyId, packet))).toBe('OPEN_FAILED')
    stored.shares.set(phone.keys.device, { ...share, share: tampered(share.share) })
    expect(await codeOf(phone.conversations.decrypt(keyId, packet))).toBe('SIGNATURE_INVALID')
    stored.shares.set(phone.keys.device, share)
    expect(await phone.conversations.decrypt(keyId, packet)).toMatchObject({ text: 'hello' })
  })
})

describe('memberships', () => {
  test('a ghost member: by an outsider, by a member who may not, under a foreign signature', async () => {
    const chat = await chatOf()
    const mallory = await world.device('mallory')
    const { chain, head, sequence } = await authorOf(world, mallory)
    const ghost = { username: 'mallory', role: 'member', chain, head, sequence }
    const add = { kind: 'add', members: [ghost] }
    const byMallory = await entryBy(mallory, chat.id, add)
    const byBen = await entryBy(ben, chat.id, add)
    const asAnna = await entryBy(anna, chat.id, add, mallory.keys.signingKey)
    for (const [entry, code] of [
      [byMallory, 'ACCESS_DENIED'],
      [byBen, 'ACCESS_DENIED'],
      [asAnna, 'SIGNATURE_INVALID'],
    ] as const) {
      await smuggle(chat.id, entry)
      expect(await codeOf(chat.refresh())).toBe(code)
      expect(chat.members()).toHaveLength(2)
    }
    world.server.lie = undefined
    await chat.refresh()
    expect(chat.forked).toBe(false)
  })

  test('an older membership than before is not believed, and nothing is sent', async () => {
    const chat = await chatOf()
    const { sequence, head } = chat.head
    await chat.remove('ben')
    world.server.lie = (method, path, answer) =>
      isView(method, path) ? { ...answer, entries: [], sequence, head, nextAfter: null } : answer
    world.clock.advance(2 * MINUTE)
    expect(await codeOf(chat.encrypt('without ben'))).toBe('DIRECTORY_STALE')
    expect(chat.members()).toHaveLength(1)
    world.server.lie = undefined
    expect(await codeOf(chat.encrypt('without ben'))).toBe('done')
  })

  test('another head at the same place is a fork', async () => {
    const chat = await chatOf()
    const head = toBase64url(nodeBackend.randomBytes(32))
    world.server.lie = (method, path, answer) => (isView(method, path) ? { ...answer, head } : answer)
    expect(await codeOf(chat.refresh())).toBe('MEMBERSHIP_FORKED')
    expect(chat.forked).toBe(true)
  })

  test('a removal that is replayed, or left out, is refused', async () => {
    const chat = await chatOf()
    await world.device('carl')
    await chat.remove('ben')
    await chat.add({ ben: 'member' })
    const stored = world.server.conversations.get(chat.id)!
    const removal = stored.entries[1]!.entry as string
    await smuggle(chat.id, removal)
    expect(await codeOf(chat.refresh())).toBe('CHAIN_BROKEN')
    world.server.lie = undefined
    // To somebody who sees the conversation for the first time, without the removal.
    const kept = [...stored.entries]
    stored.entries = [kept[0]!, kept[2]!]
    expect(await codeOf(ben.conversations.open(chat.id))).toBe('CHAIN_BROKEN')
    stored.entries = kept
    expect((await ben.conversations.open(chat.id)).members()).toHaveLength(2)
  })

  test('an entry that is not in the log, or in another log, is refused', async () => {
    const chat = await chatOf()
    const opening = toBase64url(nodeBackend.randomBytes(32))
    world.server.lie = (method, path, answer) => {
      if (!isView(method, path)) return answer
      const [logged] = answer.entries
      return { ...answer, entries: [{ ...logged, commitment: { ...logged.commitment, opening } }] }
    }
    expect(await codeOf(ben.conversations.open(chat.id))).toBe('PROOF_INVALID')
    world.server.lie = (method, path, answer) =>
      isView(method, path) ? { ...answer, checkpoint: answer.checkpoint.replace('\n', '0\n') } : answer
    expect(await codeOf(ben.conversations.open(chat.id))).toBe('LOG_INCONSISTENT')
    world.server.lie = (method, path, answer) => (isView(method, path) ? { ...answer, proofs: {} } : answer)
    expect(await codeOf(ben.conversations.open(chat.id))).toBe('PROOF_INVALID')
  })

  test('two histories: whoever meets the other stops sending, in all tabs, until there is one', async () => {
    const chat = await chatOf()
    const theirs = await ben.conversations.open(chat.id)
    // Ben is led to a server on which the conversation goes on otherwise than for anna.
    const fork = new TestKeyServer(world.directory, world.server.log)
    const stored = world.server.conversations.get(chat.id)!
    fork.conversations.set(chat.id, {
      ...stored,
      entries: [...stored.entries],
      receipts: [],
      currentKey: null,
    })
    const entry = await entryBy(anna, chat.id, { kind: 'rules', retention: 1 })
    await fork.api('anna', anna.keys.device).json('POST', `/v1/conversations/${chat.id}/entries`, { entry })
    await chat.setRole('ben', 'admin')
    const sent = await chat.encrypt('to ben')
    await (await world.again(ben, fork).conversations.open(chat.id)).refresh()
    // Now he meets what anna was shown.
    expect(await codeOf(ben.conversations.decrypt(sent.keyId, sent.packet))).toBe('MEMBERSHIP_FORKED')
    expect(ben.events.at(-1)).toEqual({ type: 'forked', conversation: chat.id })
    const tab = await world.again(ben, fork).conversations.open(chat.id)
    expect(tab.forked).toBe(true)
    expect((await world.again(ben).conversations.open(chat.id)).forked).toBe(true)
    expect(await codeOf(tab.encrypt('which one?'))).toBe('MEMBERSHIP_FORKED')
    expect(await codeOf(tab.rotate())).toBe('MEMBERSHIP_FORKED')
    expect(await codeOf(theirs.refresh({ afterFork: true }))).toBe('MEMBERSHIP_FORKED')
    await tab.refresh({ afterFork: true })
    expect(tab.forked).toBe(false)
    expect(await codeOf(tab.encrypt('one history'))).toBe('done')
  })
})

describe('receipts', () => {
  test('withdrawn, changed, out of order, not in the log', async () => {
    const chat = await chatOf({ mode: 'managed' })
    for (let at = 0; at < 3; at++) {
      await chat.rotate()
      const { keyId, packet } = await chat.encrypt('x')
      await ben.conversations.decrypt(keyId, packet)
    }
    const { receipts } = world.server.conversations.get(chat.id)!
    const list = () => codeOf(listOf(chat.receipts()))
    const all = [...receipts]
    expect(await list()).toBe('done')
    receipts.splice(-2)
    expect(await list()).toBe('LOG_INCONSISTENT')
    receipts.splice(0, receipts.length, ...all)
    expect(await list()).toBe('done')
    receipts[1] = { ...all[1], receipt: { ...all[1]!.receipt, rule: 'history-all' } }
    expect(await list()).toBe('PROOF_INVALID')
    // Committed to anew.
    receipts[1].commitment = await world.server.log.commit(encodeReceipt(receipts[1].receipt))
    expect(await list()).toBe('LOG_INCONSISTENT')
    receipts.splice(1, 1)
    expect(await list()).toBe('LOG_INCONSISTENT')
    // Ben has never read the list: but what he was given himself must be in it.
    const theirs = await ben.conversations.open(chat.id)
    receipts.splice(0, receipts.length)
    expect(await codeOf(listOf(theirs.receipts()))).toBe('LOG_INCONSISTENT')
  })
})

/** With one bit of the signature changed. */
function tampered(jws: string): string {
  const at = jws.lastIndexOf('.') + 1
  const signature = fromBase64url(jws.slice(at))
  signature[3]! ^= 1
  return jws.slice(0, at) + toBase64url(signature)
}
