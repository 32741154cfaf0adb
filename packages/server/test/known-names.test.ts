import { newConversationId, signMembershipEntry } from '@keyhaven/conversations'
import { backend } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { type TestClock, testClock } from '../../../test/kit/test-clock.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { shareConversation } from '../src/conversations/share-conversation.ts'
import {
  createChat,
  openWorld,
  type Person,
  APP as SHARED_APP,
  type World,
} from './fixtures/conversation-people.ts'
import { type DirectoryUser, enrollUser } from './fixtures/directory-user.ts'

const APP = 'app'
const MS_PER_SECOND = 1_000
const AT_ONCE = 40
/** Over the limit of look-ups. */
const LOOK_UPS = 2_040

describe.each(ENGINES)('who shares a conversation on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(engine)
  })
  afterAll(() => world?.dispose())

  test('members of one, while both are, in the same application', async () => {
    const [alice, bob, carol, dave] = [
      await world.enroll('alice'),
      await world.enroll('bob'),
      await world.enroll('carol'),
      await world.enroll('dave'),
    ]
    const shared = async (one: Person, other: Person, application = SHARED_APP) =>
      shareConversation(world.first.state.db, application, one.username, other.username)
    expect(await shared(alice, bob)).toBe(false)
    const chat = await createChat(world, [alice, bob, carol])
    await createChat(world, [bob, dave])
    for (const other of [bob, carol]) {
      expect(await shared(alice, other)).toBe(true)
      expect(await shared(other, alice)).toBe(true)
      expect(await shared(alice, other, 'other')).toBe(false)
    }
    // Of a common acquaintance nothing is known.
    expect(await shared(alice, dave)).toBe(false)
    await chat.change(alice, { kind: 'remove', username: 'carol' })
    expect(await shared(alice, carol)).toBe(false)
    expect(await shared(carol, bob)).toBe(false)
    expect(await shared(alice, bob)).toBe(true)
  })
})

// The limit is the same on each engine, and 2,000 look-ups take a while.
describe('look-ups of members over the limit', () => {
  let clock: TestClock
  let server: TestServer
  let alice: DirectoryUser
  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(ENGINES[0]!)
    for (const id of [APP, 'other']) await server.admin('POST', '/applications', { id, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
    for (const name of ['bob', 'carol', 'dave']) await enrollUser(server, APP, name)
  })
  afterAll(() => server?.dispose())

  async function pin(username: string) {
    const { chain, sequence, entries } = (
      await server.admin('GET', `/applications/${APP}/directory/users/${username}`)
    ).body
    const newest = entries.find((entry: { sequence: number }) => entry.sequence === sequence)
    return { chain, sequence, head: newest.hash as string }
  }
  const author = async () => {
    const at = await pin('alice')
    return { username: 'alice', device: alice.device.device, entry: at.head, ...at }
  }
  async function lookUp(username: string): Promise<number> {
    return (await alice.call('POST', '/v1/directory/look-up', { username })).status
  }
  /** What the calls were answered with, in number. */
  async function lookUpOften(username: string, calls: number): Promise<Record<number, number>> {
    const counts: Record<number, number> = {}
    for (let done = 0; done < calls; done += AT_ONCE) {
      const statuses = await Promise.all(Array.from({ length: AT_ONCE }, () => lookUp(username)))
      for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
    }
    return counts
  }

  test('a member of the same conversation is found, a stranger and a former member are not', async () => {
    const issued = Math.floor(Date.now() / MS_PER_SECOND)
    const creation = {
      ...{ application: APP, sequence: 0, previous: null, issued, by: await author() },
      ...{
        kind: 'create' as const,
        mode: 'managed' as const,
        algorithm: 'A256GCM' as const,
        retention: null,
      },
      history: { members: 'all' as const, devices: 'all' as const },
      rotation: { maxAge: null, maxMessages: null },
      members: [
        { username: 'alice', role: 'owner' as const, ...(await pin('alice')) },
        { username: 'bob', role: 'member' as const, ...(await pin('bob')) },
        { username: 'carol', role: 'member' as const, ...(await pin('carol')) },
      ],
    }
    const { conversation, nonce } = await newConversationId(backend, creation)
    const common = { application: APP, conversation, issued }
    const create = await signMembershipEntry(alice.device.signer, { ...creation, conversation, nonce })
    expect((await alice.call('POST', '/v1/conversations', { entry: create })).status).toBe(201)
    clock.hold()
    expect(await lookUpOften('bob', LOOK_UPS)).toEqual({ 200: LOOK_UPS })
    const strangers = await lookUpOften('dave', 100)
    expect(strangers[429]).toBeGreaterThan(0)
    expect(await lookUpOften('carol', 40)).toEqual({ 200: 40 })
    const { head } = await (await alice.call('GET', `/v1/conversations/${conversation}`)).json()
    const remove = await signMembershipEntry(alice.device.signer, {
      ...{ ...common, sequence: 1, previous: head, by: await author() },
      ...{ kind: 'remove', username: 'carol' },
    })
    const path = `/v1/conversations/${conversation}/entries`
    expect((await alice.call('POST', path, { entry: remove })).status).toBeLessThan(300)
    expect((await lookUpOften('carol', 100))[429]).toBeGreaterThan(0)
    expect(await lookUpOften('bob', 40)).toEqual({ 200: 40 })
    clock.go()
  })
})
