import { randomBytes } from 'node:crypto'
import type { ConversationService } from '@keyhaven/conversations/service'
import { conversationKeyContext } from '../packages/server/src/conversations/key-vault.ts'
import {
  APP,
  createChat,
  openWorld,
  type Person,
  type World,
} from '../packages/server/test/fixtures/conversation-people.ts'
import type { Engine } from '../test/kit/engines.ts'
import { TEST_ENV } from '../test/kit/server-process.ts'
import { openRowCopier, type RowCopier } from './copy-rows.ts'

const CONVERSATIONS_PER_BATCH = 10_000

/** A key server with as many conversations as wanted, and some who are in all of them. */
export interface GrowingConversations {
  readonly world: World
  readonly service: ConversationService
  /** Each of them is in all conversations. */
  readonly members: readonly Person[]
  /** Key of one of the conversations that {@link grow} made. */
  key(at: number): string
  grow(conversations: number): Promise<void>
  dispose(): Promise<void>
}

/** All but the first are copies of one real conversation, under other ids and with keys of their own. */
export async function openGrowingConversations(
  engine: Engine,
  memberCount = 1,
): Promise<GrowingConversations> {
  const world = await openWorld(engine, TEST_ENV)
  const owner = await world.enroll('owner')
  const members: Person[] = []
  while (members.length < memberCount) members.push(await world.enroll(`member-${members.length}`))
  const chat = await createChat(world, [owner, ...members])
  const keys: string[] = []
  return {
    world,
    service: world.service,
    members,
    key: (at) => keys[at]!,
    async grow(conversations) {
      const copier = await openRowCopier(engine.dialect, world.fixture.env)
      while (keys.length < conversations) {
        const count = Math.min(CONVERSATIONS_PER_BATCH, conversations - keys.length)
        keys.push(...(await copy(copier, world, chat.id, chat.key!.id, count)))
      }
      await copier.close()
    },
    dispose: () => world.dispose(),
  }
}

const id = () => randomBytes(16).toString('base64url')

async function copy(
  copier: RowCopier,
  world: World,
  conversation: string,
  key: string,
  count: number,
): Promise<string[]> {
  const { wrapper } = world.first.state
  const rows: { c: string; k: string; w: string }[] = []
  for (let n = 0; n < count; n++) {
    const [c, k] = [id(), id()]
    const place = { application: APP, conversation: c, key: k }
    const wrapped = await wrapper.wrap(randomBytes(32), conversationKeyContext(place))
    rows.push({ c, k, w: Buffer.from(wrapped).toString('hex') })
  }
  const of = (column: string, original: string) =>
    `t.application_id = '${APP}' and t.${column} = '${original}'`
  await copier.copy(rows, [
    { table: 'conversations', where: of('id', conversation), changed: { id: 'n.c', current_key: 'n.k' } },
    ...['conversation_members', 'conversation_entries'].map((table) => ({
      ...{ table, where: of('conversation', conversation), changed: { conversation: 'n.c' } },
    })),
    {
      ...{ table: 'conversation_keys', where: of('id', key) },
      changed: { conversation: 'n.c', id: 'n.k', wrapped_key: copier.bytes('n.w') },
    },
  ])
  return rows.map(({ k }) => k)
}
