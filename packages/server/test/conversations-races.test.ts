import { membershipHash } from '@keyhaven/conversations'
import { backend } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { checkLog } from '../src/directory/log/check-log.ts'
import { rewrap } from '../src/maintenance/rewrap.ts'
import {
  APP,
  createChat,
  memberOf,
  openWorld,
  type Person,
  type Process,
  verifiedReceipts,
  type World,
} from './fixtures/conversation-people.ts'

const READERS = 24
const ROUNDS = 12
const NEWEST = 4

describe.each(ENGINES)('conversations under way at once on $name', (engine) => {
  let world: World
  let second: Process
  let alice: Person
  let bob: Person
  beforeAll(async () => {
    world = await openWorld(engine)
    second = await world.open()
    alice = await world.enroll('alice')
    bob = await world.enroll('bob')
  })
  afterAll(() => world?.dispose())

  test('whoever is removed while keys are made and released never gets one made since', async () => {
    const chat = await createChat(world, [alice, bob])
    const processes = [world.first.service, second.service]
    const order = new Map<string, number>([[chat.key!.id, 0]])
    const got = new Set<string>()
    let over = false
    /** Asks all the time for the newest keys that anybody knows of, through both processes. */
    const readers = Array.from({ length: READERS }, async (_, at) => {
      const service = processes[at % 2]!
      while (!over) {
        const { keys } = await service.releaseMany(APP, bob, [...order.keys()].slice(-NEWEST))
        for (const { id } of keys) got.add(id)
      }
    })
    const rotators = processes.map(async (service) => {
      while (!over) {
        const made = await service.rotate(APP, alice, chat.id)
        if ('membership' in made) order.set(made.id, made.membership.sequence)
      }
    })
    const stays: [from: number, to: number][] = [[0, 0]]
    for (let round = 0; round < ROUNDS; round++) {
      await chat.change(alice, { kind: 'remove', username: 'bob' })
      stays.at(-1)![1] = chat.sequence
      order.set(chat.key!.id, chat.sequence)
      const history = { members: 'joined', devices: 'all' } as const
      const back = await memberOf(world.first, bob, 'reader', history)
      await chat.change(alice, { kind: 'add', members: [back] })
      stays.push([chat.sequence, Number.POSITIVE_INFINITY])
      order.set(chat.key!.id, chat.sequence)
    }
    over = true
    await Promise.all([...readers, ...rotators])
    expect(got.size).toBeGreaterThan(0)
    for (const id of got) {
      const made = order.get(id)!
      expect(stays.some(([from, to]) => from <= made && made < to)).toBe(true)
    }
    // What both processes have written is one chain of receipts, each in the log.
    expect((await verifiedReceipts(second, alice, chat.id)).length).toBeGreaterThan(got.size)
    expect(await checkLog(world.first.directories.log, APP)).toMatchObject({ valid: true })
    expect(await world.first.state.audit.verify()).toMatchObject({ valid: true })
  })

  test('of two entries for the same place one is taken, whichever process has it', async () => {
    const chat = await createChat(world, [alice, bob])
    const [one, other] = [
      await chat.sign(alice, { kind: 'role', username: 'bob', role: 'reader' }),
      await chat.sign(alice, { kind: 'role', username: 'bob', role: 'admin' }),
    ]
    const answers = await Promise.allSettled([
      world.first.service.append(APP, alice, chat.id, { entry: one }),
      second.service.append(APP, alice, chat.id, { entry: other }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'CONFLICT' },
    })
  })

  test('entries of one conversation that commit together follow each other', async () => {
    const chat = await createChat(world, [alice, bob])
    const first = await chat.sign(alice, { kind: 'role', username: 'bob', role: 'reader' })
    Object.assign(chat, { sequence: 1, head: await membershipHash(backend, first) })
    const next = await chat.sign(alice, { kind: 'remove', username: 'bob' })
    const answers = []
    for (const entry of [first, next]) {
      answers.push(world.first.service.append(APP, alice, chat.id, { entry }))
      // On PostgreSQL the device is looked up by another connection: the second entry could come first.
      if (engine.dialect === 'postgres') await answers.at(-1)
    }
    const [one, other] = await Promise.all(answers)
    if (engine.dialect === 'sqlite') expect(one!.entry.commitment.batchSize).toBeGreaterThan(2)
    expect((await world.first.service.show(APP, alice, chat.id, { after: -1 })).sequence).toBe(2)
    await expect(world.first.service.release(APP, bob, other!.key!.id)).rejects.toMatchObject({
      reason: 'removed',
    })
  })

  test('after a restart everything is there, also under a new master key', async () => {
    const chat = await createChat(world, [alice, bob])
    const { key } = chat.key as { key: string }
    const summary = await rewrap(world.fixture.config, { actor: 'cli:local' })
    expect(summary.moved).toBeGreaterThan(10)
    const again = await world.open()
    for (const { service } of [again, world.first]) {
      expect(await service.release(APP, bob, chat.key!.id)).toMatchObject({ key })
    }
    const rows = await again.state.db
      .selectFrom('conversation_keys')
      .select('master_key_id')
      .distinct()
      .where('master_key_id', 'is not', null)
      .execute()
    expect(rows).toEqual([{ master_key_id: summary.masterKeyId }])
    await chat.change(alice, { kind: 'remove', username: 'bob' })
    expect(await verifiedReceipts(again, alice, chat.id)).toHaveLength(4)
  })
})
