import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import {
  commitmentOfKey,
  newKeyId,
  recipientsRoot,
  signKeyAnnouncement,
  type WrappedRecipient,
  wrapConversationKey,
} from '@keyhaven/conversations'
import { MAX_RECIPIENTS_PER_CALL } from '@keyhaven/conversations/service'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  APP,
  type Chat,
  createChat,
  openWorld,
  type Person,
  pinOf,
  type World,
} from '../packages/server/test/fixtures/conversation-people.ts'
import { ENGINES } from '../test/kit/engines.ts'
import { measuredRow, type Row } from './row.ts'

const SIZES = [10, 1_000, 10_000]
const MEMBERS_PER_ENTRY = 1_000
const ROUNDS = 5
const MS_PER_SECOND = 1_000

interface Device {
  readonly username: string
  readonly device: string
}

/**
 * A new key for all devices of a conversation: made by the server, or wrapped to each of them by one device.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  const world = await openWorld(ENGINES[0]!)
  try {
    const owner = await world.enroll('owner')
    const others = await copyUsers(world, Math.max(...SIZES) - 1)
    for (const size of SIZES) {
      const members = others.slice(0, size - 1)
      for (const mode of ['managed', 'sealed'] as const) {
        const chat = await createChat(world, [owner], { mode })
        await addAll(world, chat, owner, members)
        const times: number[] = []
        for (let round = 0; round < ROUNDS; round++) {
          const start = performance.now()
          if (mode === 'managed') await world.service.rotate(APP, owner, chat.id)
          else await rotateSealed(world, chat, owner, members)
          times.push(performance.now() - start)
        }
        const median = times.sort((a, b) => a - b)[ROUNDS >> 1]!
        rows.push(measuredRow(`SQLite: rotation for ${size} member devices, ${mode}`, median, 'ms'))
      }
    }
  } finally {
    await world.dispose()
  }
  return rows
}

/** Users with a chain like the owner's, under other names, each with one device. */
async function copyUsers(world: World, count: number): Promise<Device[]> {
  const devices = Array.from({ length: count }, (_, at) => ({
    username: `copy-${at}`,
    device: randomBytes(16).toString('base64url'),
  }))
  const json = JSON.stringify(devices.map(({ username, device }, at) => [username, device, -1 - at]))
  const changed: Readonly<Record<string, string>> = {
    username: `n.value->>0`,
    device: `n.value->>1`,
    // No place in the log: nothing here looks at it.
    log_index: `n.value->>2`,
  }
  const tables = await world.first.state.db.introspection.getTables()
  const file = String(world.fixture.env.KEYHAVEN_DATABASE_URL).replace(/^sqlite:/, '')
  const database = new DatabaseSync(file, { timeout: 10_000 })
  for (const table of ['directory_users', 'directory_entries', 'directory_devices']) {
    const names = tables.find(({ name }) => name === table)!.columns.map(({ name }) => name)
    const values = names.map((name) => changed[name] ?? `t.${name}`)
    database
      .prepare(
        `insert into ${table} (${names}) select ${values} from json_each(?) n cross join ${table} t
         where t.application_id = '${APP}' and t.username = 'owner'`,
      )
      .run(json)
  }
  database.close()
  return devices
}

async function addAll(world: World, chat: Chat, owner: Person, others: readonly Device[]): Promise<void> {
  const pin = await pinOf(world.first, owner.username)
  for (let at = 0; at < others.length; at += MEMBERS_PER_ENTRY) {
    const members = others
      .slice(at, at + MEMBERS_PER_ENTRY)
      .map(({ username }) => ({ username, role: 'member' as const, ...pin }))
    await chat.change(owner, { kind: 'add', members })
  }
}

/** What a device does and sends: wraps a key for everybody, announces it, uploads page by page. */
async function rotateSealed(
  world: World,
  chat: Chat,
  owner: Person,
  others: readonly Device[],
): Promise<void> {
  const { thumbprint, keys } = owner
  const listed = [owner, ...others].map(({ username, device }) => ({ username, device, thumbprint }))
  const found = await (await world.first.directories.open(APP)).service.findDevice(owner.device)
  const place = { application: APP, conversation: chat.id }
  const unnamed = {
    ...{ ...place, algorithm: 'A256GCM' as const },
    membership: { sequence: chat.sequence, head: chat.head },
    recipients: await recipientsRoot(nodeBackend, listed),
    issued: Math.floor(world.time.now / MS_PER_SECOND),
    by: {
      ...{ username: owner.username, device: owner.device, entry: found!.device.record.entry },
      ...(await pinOf(world.first, owner.username)),
    },
  }
  const { key, nonce } = await newKeyId(nodeBackend, unnamed)
  const context = { ...place, key }
  const secret = nodeBackend.randomBytes(32) as Uint8Array
  const recipients: WrappedRecipient[] = []
  for (const to of listed) {
    const wrapContext = { ...context, from: owner.device, to }
    const wrapped = await wrapConversationKey(nodeBackend, keys.encryptionKey, wrapContext, secret)
    recipients.push({ ...to, wrapped })
  }
  const commitment = await commitmentOfKey(nodeBackend, context, secret)
  const announcement = await signKeyAnnouncement(keys.signer, { ...unnamed, key, nonce, commitment })
  const page = (at: number) => recipients.slice(at, at + MAX_RECIPIENTS_PER_CALL)
  await world.service.rotate(APP, owner, chat.id, { announcement, recipients: page(0) })
  for (let at = MAX_RECIPIENTS_PER_CALL; at < recipients.length; at += MAX_RECIPIENTS_PER_CALL) {
    await world.service.addRecipients(APP, owner, key, page(at))
  }
}
