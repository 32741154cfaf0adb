import { backend, randomId } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DirectoryUser, enrollUser } from '../packages/server/test/fixtures/directory-user.ts'
import { ENGINES } from './kit/engines.ts'
import { type TestClock, testClock } from './kit/test-clock.ts'
import { startTestServer, type TestServer } from './kit/test-server.ts'

const APP = 'app'
const IDS_PER_CALL = 100
/** A device may ask for so many keys at once, whatever calls they come in. */
const MAX_IDS = 12_000

describe.each(ENGINES)('a device that asks for too much, on $name', (engine) => {
  let clock: TestClock
  let server: TestServer
  let alice: DirectoryUser
  beforeAll(async () => {
    clock = testClock()
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
    alice = await enrollUser(server, APP, 'alice')
  })
  afterAll(() => server?.dispose())

  test('keys count by number, so that nobody fills the receipts a hundred at a time', async () => {
    clock.hold()
    let asked = 0
    let status = 200
    while (status === 200 && asked <= 2 * MAX_IDS) {
      const ids = Array.from({ length: IDS_PER_CALL }, () => randomId(backend, 16))
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => alice.call('POST', '/v1/keys', { ids })),
      )
      asked += answers.length * IDS_PER_CALL
      status = Math.max(...answers.map((answer) => answer.status))
    }
    clock.go()
    expect(status).toBe(429)
    expect(asked).toBeLessThanOrEqual(MAX_IDS + 20 * IDS_PER_CALL)
  })

  test('a cursor that nobody gave is refused, and never reaches the database', async () => {
    for (const parts of [
      ['a', 'b', 'c'],
      ['NaN', '', ''],
      [1.5, '', ''],
      [1, 2, 3],
      ['1e400', '', ''],
      [1, '\u0000', ''],
    ]) {
      const after = Buffer.from(JSON.stringify(parts)).toString('base64url')
      const answer = await alice.call('GET', `/v1/key-requests?after=${after}`)
      expect([200, 400], JSON.stringify(parts)).toContain(answer.status)
      await answer.body?.cancel()
    }
  })
})
