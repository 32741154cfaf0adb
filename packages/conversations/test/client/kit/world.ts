import { KeyhavenError } from '@keyhaven/crypto'
import { createDeviceKeys, type DeviceKeys, type MessagingStore, memoryStore } from '@keyhaven/messaging'
import {
  APPLICATION,
  type TestClock,
  TestDirectory,
  testClock,
} from '../../../../messaging/test/kit/test-directory.ts'
import {
  type Conversation,
  type ConversationEvent,
  type Conversations,
  type CreateOptions,
  createConversations,
} from '../../../src/index.ts'
import { TestKeyServer } from './test-key-server.ts'

/** A device with its client of conversations. */
export interface TestDevice {
  readonly username: string
  readonly keys: DeviceKeys
  readonly store: MessagingStore
  readonly conversations: Conversations
  readonly events: ConversationEvent[]
}

export interface World {
  readonly clock: TestClock
  readonly directory: TestDirectory
  readonly server: TestKeyServer
  /** A user's first device, or another one approved by `approver`. */
  device(username: string, approver?: TestDevice): Promise<TestDevice>
  /** Another tab or process of a device; on another server, one that it is led to. */
  again(device: TestDevice, server?: TestKeyServer): TestDevice
}

/** People, their devices, a directory of real signed chains, and a key server that may lie. */
export async function createWorld(): Promise<World> {
  const clock = testClock()
  const directory = await TestDirectory.create(clock)
  const server = new TestKeyServer(directory)

  function open(keys: DeviceKeys, store: MessagingStore, from: TestKeyServer): TestDevice {
    const events: ConversationEvent[] = []
    const client = directory.client()
    const conversations = createConversations({
      ...{ application: APPLICATION, me: keys, store, clock },
      api: from.api(keys.username, keys.device),
      files: { server: 'https://keys.example', call: () => Promise.reject(new Error('has no files')) },
      onEvent: (event) => events.push(event),
      directory: {
        ...client,
        async lookUp(username, { atLeast } = {}) {
          if (from.offline) throw new KeyhavenError('GATEWAY_UNAVAILABLE', 'no network')
          if (atLeast) {
            const { sequence, history } = await directory.state(username)
            if (atLeast.sequence > sequence) throw new KeyhavenError('DIRECTORY_STALE', 'older')
            const item = history.find((entry) => entry.sequence === atLeast.sequence)
            if (item?.entry !== atLeast.head) throw new KeyhavenError('CHAIN_BROKEN', 'another chain')
          }
          return client.lookUp(username)
        },
        compareCheckpoint: (note) => from.log.compare(note),
      },
    })
    return { username: keys.username, keys, store, conversations, events }
  }

  return {
    clock,
    directory,
    server,
    async device(username, approver) {
      const store = memoryStore()
      const profile = 'x25519'
      const keys = await createDeviceKeys({ application: APPLICATION, username, store, clock, profile })
      await directory.record(keys, approver ? { approver: approver.keys } : {})
      return open(keys, store, server)
    },
    again: ({ keys, store }, from = server) => open(keys, store, from),
  }
}

/** A world with anna and ben in it. */
export interface Pair {
  readonly world: World
  readonly anna: TestDevice
  readonly ben: TestDevice
  /** A conversation of anna's with ben. */
  chatOf(options?: Partial<CreateOptions>): Promise<Conversation>
}

export async function createPair(): Promise<Pair> {
  const world = await createWorld()
  const anna = await world.device('anna')
  const ben = await world.device('ben')
  return {
    ...{ world, anna, ben },
    chatOf: (options = {}) => anna.conversations.create({ members: { ben: 'member' }, ...options }),
  }
}

/** The code that it fails with, or `done`. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof KeyhavenError) return error.code
    throw error
  }
}

export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
