import { expect, test } from 'vitest'
import { codeOf, createWorld } from './kit/people.ts'

test.each([
  ['128 characters of two UTF-16 units each', '😀'.repeat(128)],
  ['a script that is written from right to left', 'שרה'],
  ['what must be escaped in a URL', 'a/b?c#d%2e'],
])('a username may have %s: the directory decides, for messages too', async (_, username) => {
  const world = await createWorld()
  const anna = await world.device(username)
  const ben = await world.device('ben')
  const sent = await anna.messenger.encrypt('ben', 'hello')
  expect((await ben.messenger.decrypt(sent.envelope)).from.username).toBe(username)
  const answer = await ben.messenger.encrypt(username, 'answer')
  expect((await anna.messenger.decrypt(answer.envelope)).text).toBe('answer')
  // The archive, too.
  expect((await ben.messenger.decryptArchived(sent.envelope)).from.username).toBe(username)
})

test.each(['', ' ben', 'be\u0000n', 'ben\u202e', 'Ame\u0301lie', '.', '..', 'b'.repeat(129)])(
  'no envelope is from %j',
  async (username) => {
    const world = await createWorld()
    const anna = await world.device('anna')
    const ben = await world.device('ben')
    const json = JSON.parse((await anna.messenger.encrypt('ben', 'hello')).envelope)
    json.from.username = username
    expect(await codeOf(ben.messenger.decrypt(JSON.stringify(json)))).toBe('WIRE_MALFORMED')
  },
)
