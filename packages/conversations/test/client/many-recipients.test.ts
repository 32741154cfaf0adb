import { beforeAll, expect, test } from 'vitest'
import type { Conversation } from '../../src/index.ts'
import { MAX_RECIPIENTS_PER_CALL } from '../../src/key/limits.ts'
import { createWorld, type TestDevice, type World } from './kit/world.ts'

let world: World
let last: TestDevice
let chat: Conversation

beforeAll(async () => {
  world = await createWorld()
  const anna = await world.device('anna')
  const members: Record<string, 'member'> = {}
  for (let at = 1; at <= MAX_RECIPIENTS_PER_CALL; at++) {
    last = await world.device(`member ${at}`)
    members[last.username] = 'member'
  }
  chat = await anna.conversations.create({ members })
})

test('a key for more devices than one call takes is sent by pages', async () => {
  expect(world.server.calls.filter((call) => /^(POST|PUT)/.test(call))).toEqual([
    'POST /v1/conversations',
    expect.stringMatching(/^PUT .*\/recipients$/),
  ])
  const created = await chat.encrypt('under the first key')
  world.server.calls = []
  const keyId = await chat.rotate()
  expect(world.server.calls.filter((call) => /^(POST|PUT)/.test(call))).toEqual([
    `POST /v1/conversations/${chat.id}/keys`,
    `PUT /v1/keys/${keyId}/recipients`,
  ])
  expect(await chat.holders(keyId)).toHaveLength(1 + MAX_RECIPIENTS_PER_CALL)
  const sent = await chat.encrypt('under the next')
  expect(sent).toMatchObject({ keyId, leftOut: [] })
  for (const { keyId, packet } of [created, sent]) {
    expect(await last.conversations.decrypt(keyId, packet)).toMatchObject({ from: { username: 'anna' } })
  }
})

test('a key whose upload breaks off between two pages is never sent under', async () => {
  const whole = await chat.encrypt('under a whole key')
  world.server.lie = (method, _path, answer) => {
    if (method === 'POST') world.server.offline = true
    return answer
  }
  await expect(chat.rotate()).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' })
  world.server.lie = undefined
  world.server.offline = false
  const sent = await chat.encrypt('under a key that all have')
  expect(await last.conversations.decrypt(sent.keyId, sent.packet)).toMatchObject({
    text: 'under a key that all have',
  })
  expect(await last.conversations.decrypt(whole.keyId, whole.packet)).toMatchObject({ kind: 'text' })
  expect(await chat.holders(sent.keyId)).toHaveLength(1 + MAX_RECIPIENTS_PER_CALL)
})
