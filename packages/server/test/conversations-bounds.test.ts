import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import {
  CREATION_WINDOW_MS,
  MAX_CREATIONS,
  MAX_INCOMPLETE_KEYS,
} from '../../conversations/src/service/limits.ts'
import {
  APP,
  type Chat,
  createChat,
  openWorld,
  type Person,
  type World,
} from './fixtures/conversation-people.ts'

/** What a member of one conversation can make the server keep. */
describe.each(ENGINES)('what fills the database is bounded on $name', (engine) => {
  let world: World
  let alice: Person
  let bob: Person
  beforeAll(async () => {
    world = await openWorld(engine)
    alice = await world.enroll('alice')
    bob = await world.enroll('bob')
  })
  afterAll(() => world?.dispose())

  /** A key whose second recipient does not come. */
  async function begin(by: Person, chat: Chat): Promise<{ id: string; rest: { recipients: object[] } }> {
    const upload = await chat.upload(by, [by, by === alice ? bob : alice])
    const [own, other] = upload.recipients
    const made = await world.service.rotate(APP, by, chat.id, { ...upload, recipients: [own!] })
    expect(made).toMatchObject({ complete: false })
    return { id: made.id, rest: { recipients: [other!] } }
  }
  const rowsOf = async (table: 'conversation_keys' | 'conversation_recipients', column: 'id' | 'key_id') =>
    (await world.first.state.db.selectFrom(table).selectAll().execute()).map(
      (row) => (row as unknown as Record<string, string>)[column]!,
    )

  test('keys that are begun and never ended give way to later ones of the same device', async () => {
    const chat = await createChat(world, [alice, bob], { mode: 'sealed' })
    const ofBob = await begin(bob, chat)
    const begun: Awaited<ReturnType<typeof begin>>[] = []
    for (let n = 0; n < MAX_INCOMPLETE_KEYS + 3; n++) begun.push(await begin(alice, chat))
    const kept = begun.slice(-MAX_INCOMPLETE_KEYS)
    const expected = [chat.key!.id, ofBob.id, ...kept.map(({ id }) => id)].sort()
    expect((await rowsOf('conversation_keys', 'id')).sort()).toEqual(expected)
    expect([...new Set(await rowsOf('conversation_recipients', 'key_id'))].sort()).toEqual(expected)
    const gone = world.service.addRecipients(APP, alice, begun[0]!.id, begun[0]!.rest.recipients as never)
    await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const { id, rest } of [...kept, ofBob]) {
      const by = id === ofBob.id ? bob : alice
      expect(await world.service.addRecipients(APP, by, id, rest.recipients as never)).toEqual({
        complete: true,
      })
    }
    expect(await world.service.show(APP, bob, chat.id, { after: -1 })).toMatchObject({ currentKey: ofBob.id })
  })

  test('one user creates so many conversations a day; others, and tomorrow, are not concerned', async () => {
    const { db } = world.first.state
    const chat = await createChat(world, [alice, bob])
    const row = await world.first.state.db
      .selectFrom('conversations')
      .selectAll()
      .where('id', '=', chat.id)
      .executeTakeFirstOrThrow()
    const count = async (name: string) =>
      (await db.selectFrom('conversations').selectAll().where('created_by', '=', name).execute()).length
    const missing = MAX_CREATIONS - (await count('alice')) - 1
    for (let from = 0; from < missing; from += 100) {
      const some = Array.from({ length: Math.min(100, missing - from) }, (_, n) => ({
        ...row,
        id: `made ${from + n}`,
      }))
      await db.insertInto('conversations').values(some).execute()
    }
    await createChat(world, [alice, bob])
    await expect(createChat(world, [alice, bob])).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringContaining('within a day'),
    })
    await createChat(world, [bob, alice])
    world.time.now += CREATION_WINDOW_MS + 1_000
    await createChat(world, [alice, bob])
  })
})
