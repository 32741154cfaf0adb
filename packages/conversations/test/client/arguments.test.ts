import { expect, test } from 'vitest'
import type { Conversation, Conversations } from '../../src/index.ts'
import { createWorld } from './kit/world.ts'

// As JavaScript passes them, where no compiler looks.
// biome-ignore lint/suspicious/noExplicitAny: they are wrong on purpose
type Wrong = any

const OF_CONVERSATIONS: ReadonlyArray<readonly [string, (at: Conversations) => Promise<unknown>]> = [
  ['id: 22 characters', (at) => at.open('nonsense')],
  ['id: 22 characters', (at) => at.open(7 as Wrong)],
  ['role: owner, admin, member, reader', (at) => at.create({ members: { ben: 'boss' as Wrong } })],
  ['username', (at) => at.create({ members: { 'two\nlines': 'member' } })],
  ['mode: managed or sealed', (at) => at.create({ members: {}, mode: 'open' as Wrong })],
  ['history', (at) => at.create({ members: {}, history: { members: 'some', devices: 'all' } as Wrong })],
  ['rotation', (at) => at.create({ members: {}, rotation: { maxAge: 0, maxMessages: null } })],
  ['rotation', (at) => at.create({ members: {}, rotation: { maxAge: 60 } as Wrong })],
  ['retention', (at) => at.create({ members: {}, retention: 0.5 })],
]

const OF_ONE: ReadonlyArray<readonly [string, (at: Conversation) => Promise<unknown>]> = [
  ['role', (at) => at.add({ carl: 'boss' as Wrong })],
  ['history', (at) => at.add({ carl: 'reader' }, { history: { members: -1, devices: 'all' } })],
  ['role', (at) => at.setRole('ben', 'king' as Wrong)],
  ['username', (at) => at.setRole('', 'reader')],
  ['username', (at) => at.remove(undefined as Wrong)],
  ['reason', (at) => at.remove('ben', { reason: 'two\nlines' })],
  ['mode', (at) => at.setMode('secret' as Wrong)],
  ['rules', (at) => at.setRules({})],
  ['retention', (at) => at.setRules({ retention: -1 })],
  ['username', (at) => at.acceptChain('')],
  ['keyId: 22 characters', (at) => at.holders('nonsense')],
  ['file', (at) => at.encrypt({ name: 'no address' } as Wrong)],
]

test('a wrong argument is a TypeError that names it, before anything is called', async () => {
  const world = await createWorld()
  const anna = await world.device('anna')
  await world.device('ben')
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  const { head } = chat
  world.server.calls = []
  const lookUps = world.directory.lookUps
  for (const [message, call] of OF_CONVERSATIONS) {
    const failure = await call(anna.conversations).catch((error: unknown) => error)
    expect(failure, message).toBeInstanceOf(TypeError)
    expect((failure as Error).message).toContain(message)
  }
  for (const [message, call] of OF_ONE) {
    const failure = await call(chat).catch((error: unknown) => error)
    expect(failure, message).toBeInstanceOf(TypeError)
    expect((failure as Error).message).toContain(message)
  }
  expect(world.server.calls).toEqual([])
  expect(world.directory.lookUps).toBe(lookUps)
  await chat.refresh()
  expect(chat.head).toEqual(head)
})

test('what comes with a message is no argument of the app: a nonsense key id is WIRE_MALFORMED', async () => {
  const world = await createWorld()
  const anna = await world.device('anna')
  const chat = await anna.conversations.create({ members: {} })
  const { packet } = await chat.encrypt('hello')
  await expect(anna.conversations.decrypt('nonsense', packet)).rejects.toMatchObject({
    code: 'WIRE_MALFORMED',
  })
})
