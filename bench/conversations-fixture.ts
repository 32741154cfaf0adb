import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import type { ConversationService } from '@keyhaven/conversations/service'
import { Client } from 'pg'
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

const CONVERSATIONS_PER_BATCH = 10_000
const BUSY_MILLISECONDS = 10_000

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
      while (keys.length < conversations) {
        const count = Math.min(CONVERSATIONS_PER_BATCH, conversations - keys.length)
        keys.push(...(await copy(world, chat.id, chat.key!.id, count)))
      }
      if (engine.dialect === 'postgres') await run(world, ['analyze'])
    },
    dispose: () => world.dispose(),
  }
}

const id = () => randomBytes(16).toString('base64url')

async function copy(world: World, conversation: string, key: string, count: number): Promise<string[]> {
  const { wrapper, dialect } = world.first.state
  const rows: { c: string; k: string; w: string }[] = []
  for (let n = 0; n < count; n++) {
    const [c, k] = [id(), id()]
    const place = { application: APP, conversation: c, key: k }
    const wrapped = await wrapper.wrap(randomBytes(32), conversationKeyContext(place))
    rows.push({ c, k, w: Buffer.from(wrapped).toString('hex') })
  }
  const json = JSON.stringify(rows)
  const source =
    dialect === 'postgres'
      ? `json_to_recordset('${json}'::json) as n(c text, k text, w text)`
      : `(select value->>'c' as c, value->>'k' as k, value->>'w' as w from json_each('${json}')) as n`
  const bytes = dialect === 'postgres' ? `decode(n.w, 'hex')` : 'unhex(n.w)'
  const changed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    conversations: { id: 'n.c', current_key: 'n.k' },
    conversation_members: { conversation: 'n.c' },
    conversation_entries: { conversation: 'n.c' },
    conversation_keys: { conversation: 'n.c', id: 'n.k', wrapped_key: bytes },
  }
  const tables = await world.first.state.db.introspection.getTables()
  const statements = Object.entries(changed).map(([table, values]) => {
    const names = tables.find(({ name }) => name === table)!.columns.map(({ name }) => name)
    const own = table === 'conversations' || table === 'conversation_keys' ? 'id' : 'conversation'
    const original = table === 'conversation_keys' ? key : conversation
    return `insert into ${table} (${names}) select ${names.map((name) => values[name] ?? `t.${name}`)}
      from ${source} cross join ${table} t where t.application_id = '${APP}' and t.${own} = '${original}'`
  })
  await run(world, statements)
  return rows.map(({ k }) => k)
}

async function run(world: World, statements: readonly string[]): Promise<void> {
  const url = String(world.fixture.env.KEYHAVEN_DATABASE_URL)
  if (world.first.state.dialect === 'postgres') {
    const client = new Client({ connectionString: url })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
    return
  }
  const database = new DatabaseSync(url.replace(/^sqlite:/, ''), { timeout: BUSY_MILLISECONDS })
  for (const statement of statements) database.exec(statement)
  database.close()
}
