import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { rewrap } from '../src/maintenance/rewrap.ts'
import { APP, createChat, openWorld, type Person, type World } from './fixtures/conversation-people.ts'

const DAY_MS = 86_400_000

describe.each(ENGINES)('keys of conversations in the object store on $name', (engine) => {
  let world: World
  let alice: Person
  beforeEach(async () => {
    world = await openWorld(engine, { KEYHAVEN_CONVERSATION_KEYS: 'objects' })
    alice = await world.enroll('alice')
  })
  afterEach(() => world.dispose())

  /** Every file below the data folder whose path names the key. */
  async function filesOf(key: string): Promise<string[]> {
    const files = await readdir(world.fixture.folder, { recursive: true })
    return files.filter((file) => file.includes(key)).map((file) => join(world.fixture.folder, file))
  }

  test('lie there wrapped, are released, and move with the master key', async () => {
    const chat = await createChat(world, [alice])
    const { id, key } = chat.key as { id: string; key: string }
    const row = await world.first.state.db
      .selectFrom('conversation_keys')
      .select(['wrapped_key', 'stored_in'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ wrapped_key: null, stored_in: 'objects' })
    const [file] = await filesOf(id)
    const before = await readFile(file!)
    expect(before.includes(Buffer.from(key, 'base64url'))).toBe(false)
    expect(await world.service.release(APP, alice, id)).toMatchObject({ key })
    await rewrap(world.fixture.config, { actor: 'cli:local' })
    const [moved] = await filesOf(id)
    expect((await readFile(moved!)).equals(before)).toBe(false)
    expect(await (await world.open()).service.release(APP, alice, id)).toMatchObject({ key })
  })

  test('are deleted by retention', async () => {
    const chat = await createChat(world, [alice], { retention: 1 })
    const { id } = chat.key!
    await world.service.rotate(APP, alice, chat.id)
    expect(await filesOf(id)).not.toEqual([])
    expect(await world.first.conversations.prune(world.time.now + 2 * DAY_MS)).toBe(1)
    expect(await filesOf(id)).toEqual([])
  })

  test('another key’s object in its place opens nothing', async () => {
    const [one, other] = [await createChat(world, [alice]), await createChat(world, [alice])]
    const [from] = await filesOf(one.key!.id)
    const [to] = await filesOf(other.key!.id)
    await copyFile(from!, to!)
    await expect(world.service.release(APP, alice, other.key!.id)).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
  })
})
