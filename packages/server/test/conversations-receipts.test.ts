import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { checkLog } from '../src/directory/log/check-log.ts'
import { createTokenStore } from '../src/platform/auth/token-store.ts'
import {
  APP,
  createChat,
  openWorld,
  type Person,
  verifiedReceipts,
  type World,
} from './fixtures/conversation-people.ts'

describe.each(ENGINES)('receipts of conversations on $name', (engine) => {
  let world: World
  let alice: Person
  let bob: Person
  beforeAll(async () => {
    world = await openWorld(engine)
    const tokens = createTokenStore(world.first.state, 'an admin token', () => world.time.now)
    const token = (name: string, maker: string) =>
      tokens.create({ name, roles: ['admin'], expiresAt: null }, maker).then(({ item }) => item.id)
    for (const name of ['a', 'b', 'c']) await token(name, 'token:admin')
    const gone = await token('made-by-a', 'token:a')
    await token('made-by-made-by-a', 'token:made-by-a')
    await tokens.delete(gone, 'token:a')
    for (const name of ['d', 'e']) await token(name, 'oidc:https://id.example#anna')
    await world.first.state.db
      .updateTable('api_tokens')
      .set({ makers: null })
      .where('name', '=', 'c')
      .execute()
    alice = await world.enroll('alice')
    bob = await world.enroll('bob')
  })
  afterAll(() => world?.dispose())

  const release = (person: Person, key: string) => world.service.release(APP, person, key)

  test('an export needs a second operator, leaves receipts that members see, and is fetched once', async () => {
    const chat = await createChat(world, [alice, bob])
    const key = chat.key as { id: string; key: string }
    const { service } = world
    const input = { reason: 'order 7', from: null, to: null }
    const made = await service.requestExport(APP, chat.id, input, 'token:a')
    await expect(service.downloadExport(APP, made.id, 'token:a')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await expect(service.approveExport(APP, made.id, 'token:a')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    await service.approveExport(APP, made.id, 'token:b')
    await expect(service.downloadExport(APP, made.id, 'token:c')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    expect(await service.downloadExport(APP, made.id, 'token:a')).toMatchObject([
      { id: key.id, key: key.key },
    ])
    await expect(service.downloadExport(APP, made.id, 'token:b')).rejects.toMatchObject({ code: 'CONFLICT' })
    const receipts = await verifiedReceipts(world.first, bob, chat.id)
    expect(receipts.at(-1)?.receipt).toMatchObject({
      kind: 'export',
      to: { operators: ['token:a', 'token:b'] },
    })
    const sealed = await createChat(world, [alice, bob], { mode: 'sealed' })
    await expect(service.requestExport(APP, sealed.id, input, 'token:a')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
  })

  test.each([
    ['token:a', 'token:made-by-made-by-a', 'token:a made token:made-by-made-by-a'],
    ['token:made-by-made-by-a', 'token:a', 'token:a made token:made-by-made-by-a'],
    ['token:admin', 'token:a', 'token:admin made token:a'],
    ['token:d', 'token:e', 'oidc:https://id.example#anna made both'],
    ['oidc:https://id.example#anna', 'token:d', 'oidc:https://id.example#anna made token:d'],
    ['token:a', 'token:c', 'not known who made token:c'],
    ['token:made-by-a', 'token:a', 'not known who made token:made-by-a'],
  ])('an export that %s asked for is not approved by %s', async (asks, approves, reason) => {
    const { id } = await createChat(world, [alice, bob])
    const { service } = world
    const made = await service.requestExport(APP, id, { reason: 'order 7', from: null, to: null }, asks)
    const refused = await service.approveExport(APP, made.id, approves).catch((error) => error)
    expect(refused).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringContaining(reason) })
    // Somebody else can, unless who asked is no longer there.
    const ben = 'oidc:https://id.example#ben'
    const approved = await service
      .approveExport(APP, made.id, ben)
      .catch(({ code }) => ({ approvedBy: code }))
    expect(approved.approvedBy).toBe(asks === 'token:made-by-a' ? 'ACCESS_DENIED' : ben)
  })

  test('a receipt cannot be withdrawn or changed: its absence shows, and so does another text', async () => {
    const chat = await createChat(world, [alice, bob])
    for (let n = 0; n < 3; n++) await release(bob, chat.key!.id)
    expect(await verifiedReceipts(world.first, alice, chat.id)).toHaveLength(4)
    const { db } = world.first.state
    const changed = db
      .updateTable('conversation_receipts')
      .where('conversation', '=', chat.id)
      .where('sequence', '=', 2)
    const { item } = await db
      .selectFrom('conversation_receipts')
      .select('item')
      .where('conversation', '=', chat.id)
      .where('sequence', '=', 2)
      .executeTakeFirstOrThrow()
    await changed.set({ item: item.replace('"bob"', '"rob"') }).execute()
    await expect(verifiedReceipts(world.first, alice, chat.id)).rejects.toMatchObject({
      code: 'PROOF_INVALID',
    })
    await changed.set({ item }).execute()
    expect(await verifiedReceipts(world.first, alice, chat.id)).toHaveLength(4)
    await db
      .deleteFrom('conversation_receipts')
      .where('conversation', '=', chat.id)
      .where('sequence', '=', 2)
      .execute()
    await expect(verifiedReceipts(world.first, alice, chat.id)).rejects.toThrow('receipt 2 is missing')
  })

  test('the log holds with the new leaves, and so does the audit log', async () => {
    const { directories, state } = world.first
    expect(await checkLog(directories.log, APP)).toMatchObject({ valid: true })
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    const { items } = await state.audit.list(
      { action: 'conversation.release', applicationId: APP },
      { limit: 1 },
    )
    expect(items[0]).toMatchObject({ actor: expect.stringMatching(/^device:/), subject: expect.any(String) })
  })
})
