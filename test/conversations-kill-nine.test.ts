import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConversations } from '../packages/server/src/conversations/conversations.ts'
import { openDirectories } from '../packages/server/src/directory/directories.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import {
  APP,
  createChat,
  openWorld,
  type Person,
  verifiedReceipts,
  type World,
} from '../packages/server/test/fixtures/conversation-people.ts'
import { ENGINES } from './kit/engines.ts'
import { killWorkers } from './kit/killed-worker.ts'

/** `npm run soak` asks for more. */
const KILLS = Number(process.env.SOAK_CONVERSATION_KILLS ?? 10)
const MAX_LINES = 40
/** About as long as one answer takes. */
const OPERATION_MS = 10
const WORKER = fileURLToPath(new URL('fixtures/release-keys.ts', import.meta.url))
const TIMEOUT_MS = Math.max(120_000, KILLS * 5_000)

describe.each(ENGINES)('kill -9 while keys are made and released, on $name', (engine) => {
  let world: World
  let alice: Person
  let conversation: string
  beforeEach(async () => {
    world = await openWorld(engine)
    alice = await world.enroll('alice')
    conversation = (await createChat(world, [alice])).id
    const { username, device } = alice
    process.env.TEST_CONVERSATION = JSON.stringify({ application: APP, conversation, username, device })
    await world.first.close()
  }, 60_000)
  afterEach(async () => {
    delete process.env.TEST_CONVERSATION
    await world.dispose()
  })

  test(
    `${KILLS} times: whatever key was given out has its receipt, in order and in the log`,
    async () => {
      const answered = new Map<string, { key: string; index: number }>()
      const cutInside = await killWorkers(world.fixture, {
        ...{ kills: KILLS, worker: WORKER, maxLines: MAX_LINES, operationMs: OPERATION_MS },
        done: ([key, opening, index]) => answered.set(opening!, { key: key!, index: Number(index) }),
        check: (state) => check(state, answered),
      })
      expect(answered.size).toBeGreaterThan(KILLS)
      process.stdout.write(
        `kill -9 of conversations on ${engine.name}: ${KILLS} kills, ${cutInside} with nothing answered since, ` +
          `${answered.size} acknowledged releases, nothing lost\n`,
      )
    },
    TIMEOUT_MS,
  )

  async function check(state: State, answered: ReadonlyMap<string, { key: string; index: number }>) {
    const onError = (error: unknown) => {
      throw error
    }
    const directories = await openDirectories({ state, clock: Date.now, onError })
    const conversations = createConversations({ state, directories, clock: Date.now })
    const service = await conversations.open(APP)
    const process = { state, directories, conversations, service, close: async () => {} }
    // Without a gap, each proven against the signed checkpoint.
    const receipts = await verifiedReceipts(process, alice, conversation)
    const stored = new Map(
      receipts.map(({ receipt, commitment }) => [commitment.opening, { receipt, commitment }]),
    )
    for (const [opening, { key, index }] of answered) {
      expect(stored.get(opening)).toMatchObject({
        receipt: { object: key, kind: 'key', to: { username: 'alice', device: alice.device } },
        commitment: { logIndex: index },
      })
    }
    // What was answered last is the newest key, or one that was made after it and not answered any more.
    const { currentKey } = await service.show(APP, alice, conversation, { after: -1 })
    expect(await service.release(APP, alice, currentKey!)).toMatchObject({ id: currentKey })
    const head = await state.db
      .selectFrom('log_heads')
      .selectAll()
      .where('application_id', '=', APP)
      .executeTakeFirstOrThrow()
    expect([...state.anchor.logs()][0]?.size).toBe(head.size)
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    await directories.close()
  }
})
