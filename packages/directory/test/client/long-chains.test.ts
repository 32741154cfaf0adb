import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  type DirectoryClient,
  type DirectoryClientStore,
  generateDeviceKeys,
  type NewDevice,
  type SignedFetch,
} from '@keyhaven/directory'
import { beforeAll, expect, test } from 'vitest'
import { MAX_LOOK_UP_ENTRIES } from '../../src/chain/look-up-answer.ts'
import { signCheckpoint } from '../../src/log/index.ts'
import { TestChain } from '../kit/test-chain.ts'
import { RealService } from './real-service.ts'
import type { Reply } from './test-authority.ts'
import { codeOf } from './test-user.ts'

const ENTRIES = 1_500
const NEWEST = ENTRIES - 1
const PAGES = ENTRIES / MAX_LOOK_UP_ENTRIES
const SETUP_MILLISECONDS = 120_000
const LOOK_UP = '/v1/directory/look-up'

let server: RealService
let chain: TestChain
let device: string
let bob: NewDevice
/** What the answers of the service were, in their order. */
let honest: Reply[]

/** Changes the answer to a look-up, whose number is counted from 0. */
type Lie = (reply: Reply, at: number, body: Reply) => Reply | Response | Promise<Reply>

/** Bob's client, which remembers nothing unless a store is given. */
function client(lie: Lie = (reply) => reply, store: DirectoryClientStore = createMemoryDirectoryStore()) {
  let at = 0
  const fetch: SignedFetch = async (path, init, sign) => {
    const response = await server.fetch(path, init, sign)
    if (path !== LOOK_UP || !response.ok) return response
    const body = JSON.parse(String(init?.body))
    const answer = await lie(await response.json(), at++, body)
    return answer instanceof Response ? answer : Response.json(answer)
  }
  const made: DirectoryClient = createDirectoryClient({
    fetch,
    application: 'demo',
    trust: server.trust,
    store,
    clock: () => server.now * 1_000,
    backend: nodeBackend,
    identity: { username: 'bob', ...bob, requestKey: bob.requestKey! },
  })
  return made
}

async function renewed(count: number): Promise<void> {
  const caller = { username: 'alice', device }
  for (let left = count; left > 0; left--) {
    await chain.renew(device)
    await server.service.register({ entry: chain.entries.at(-1)! }, caller)
  }
}

beforeAll(async () => {
  server = await RealService.create()
  const keys = await generateDeviceKeys(nodeBackend, 'x25519')
  bob = { ...keys, name: 'phone' }
  await client().register('bob', bob, await server.token('bob'))
  chain = await TestChain.open('alice')
  chain.now = server.now
  device = await chain.first()
  const signUp = await server.token('alice')
  await server.service.register({ entry: chain.entries[0]!, signUp }, undefined)
  await renewed(ENTRIES - 1)
  honest = []
  await client((reply) => {
    honest.push(reply)
    return reply
  }).lookUp('alice')
}, SETUP_MILLISECONDS)

test(
  'a chain of some thousand entries is fetched answer by answer, and proven as a whole',
  async () => {
    expect(honest.map(({ entries }) => entries.length)).toEqual(Array(PAGES).fill(MAX_LOOK_UP_ENTRIES))
    expect(new Set(honest.map(({ sequence }) => sequence))).toEqual(new Set([NEWEST]))
    // Leaf 0 once; from then on each checkpoint is shown to go on from the one before.
    expect(honest.map(({ parametersProof }) => parametersProof !== undefined)).toEqual(
      Array.from({ length: PAGES }, (_, at) => at === 0),
    )
    const asked: Reply[] = []
    const store = createMemoryDirectoryStore()
    const reader = client((reply, _, body) => {
      asked.push(body)
      return reply
    }, store)
    const found = await reader.lookUp('alice')
    expect(found).toMatchObject({ sequence: NEWEST, head: chain.state.head })
    expect(found.devices).toMatchObject([{ device, entry: chain.state.head }])
    expect(asked.map(({ after }) => after)).toEqual([undefined, 499, 999])
    expect((await reader.recordedKeys('alice')).length).toBe(ENTRIES)
    // Remembered: the next look-up is one short answer, also after a restart.
    asked.length = 0
    const again = await client((reply, _, body) => {
      asked.push(body)
      expect(reply.entries).toEqual([])
      return reply
    }, store).lookUp('alice')
    expect(asked).toEqual([{ username: 'alice', after: NEWEST, logSize: found.checkpoint.size }])
    expect(again.head).toBe(found.head)
  },
  SETUP_MILLISECONDS,
)

/** From the second answer on. */
const LATER = 1

function later(change: (reply: Reply, at: number) => Reply | Response | Promise<Reply>): Lie {
  return (reply, at) => (at < LATER ? reply : change(reply, at))
}

const LIES: ReadonlyArray<readonly [what: string, code: string, lie: Lie]> = [
  ['says that the chain ends early', 'DIRECTORY_STALE', later((reply) => ({ ...reply, sequence: 999 }))],
  [
    'shows a newest entry in its first answer, and an older one later',
    'DIRECTORY_STALE',
    later((reply) => ({ ...reply, sequence: NEWEST - 1 })),
  ],
  ['gives no more entries', 'CHAIN_BROKEN', later((reply) => ({ ...reply, entries: [] }))],
  [
    'gives one entry at a time',
    'CHAIN_BROKEN',
    (reply) => ({ ...reply, entries: reply.entries.slice(0, 1) }),
  ],
  ['gives the same answer again', 'PROOF_INVALID', later((_, at) => honest[at - 1]!)],
  [
    'leaves out an entry between two answers',
    'CHAIN_BROKEN',
    later((reply, at) => ({
      ...reply,
      entries: [...reply.entries.slice(1), ...(honest[at + 1]?.entries.slice(0, 1) ?? [])],
    })),
  ],
  [
    'leaves out an entry within one, and fills it up',
    'CHAIN_BROKEN',
    later((reply, at) => ({
      ...reply,
      entries: [
        ...reply.entries.slice(0, 7),
        ...reply.entries.slice(8),
        ...(honest[at + 1]?.entries.slice(0, 1) ?? []),
      ],
    })),
  ],
  [
    'swaps two entries',
    'PROOF_INVALID',
    later((reply) => ({
      ...reply,
      entries: [reply.entries[1], reply.entries[0], ...reply.entries.slice(2)],
    })),
  ],
  ['leaves out a whole answer', 'CHAIN_BROKEN', later((reply, at) => honest[at + 1] ?? reply)],
  [
    'gives more than an answer holds',
    'WIRE_TOO_LARGE',
    later((reply, at) => ({
      ...reply,
      entries: [...reply.entries, ...(honest[at + 1]?.entries.slice(0, 1) ?? [])],
    })),
  ],
  [
    'names entries that never come',
    'CHAIN_BROKEN',
    (reply) => ({ ...reply, sequence: Number.MAX_SAFE_INTEGER }),
  ],
  [
    'denies the user between two answers',
    'CHAIN_BROKEN',
    later(() => Response.json({ code: 'NOT_FOUND', status: 404 }, { status: 404 })),
  ],
  [
    'goes on with another label',
    'PROOF_INVALID',
    later((reply) => ({ ...reply, label: Buffer.alloc(80).toString('base64url') })),
  ],
  [
    'goes on in another log',
    'LOG_INCONSISTENT',
    later(async (reply) => {
      const size = server.log.leaves.length
      const other = { size, root: nodeBackend.randomBytes(32) }
      const checkpoint = await signCheckpoint(nodeBackend, server.log.signer, other, server.now)
      return { ...reply, checkpoint }
    }),
  ],
]

test.each(LIES)(
  'a directory that %s is refused with %s, and nothing of it is remembered',
  async (_, code, lie) => {
    const store = createMemoryDirectoryStore()
    expect(await codeOf(client(lie, store).lookUp('alice'))).toBe(code)
    const bodies: Reply[] = []
    const asked = client((_reply, _at, body) => {
      bodies.push(body)
      return Response.json({ code: 'STORE_UNAVAILABLE' }, { status: 503 })
    }, store).lookUp('alice')
    expect(await codeOf(asked)).toBe('STORE_UNAVAILABLE')
    expect(bodies.map(({ after }) => after)).toEqual([undefined])
  },
)

test('an entry that comes between two answers is there, too', async () => {
  const reader = client(async (reply, at) => {
    if (at === 0) await renewed(1)
    return reply
  })
  expect(await reader.lookUp('alice')).toMatchObject({ sequence: ENTRIES, head: chain.state.head })
})
