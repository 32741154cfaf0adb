import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import { startTestServer, type TestServer } from '../../../test/kit/test-server.ts'
import { decodeCursor, encodeCursor } from '../src/platform/http/page-cursor.ts'

const APP = 'app'
const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const REFUSED = [
  ...['', 'x', '!', cursorOf(null), cursorOf({}), cursorOf([]), cursorOf(['a', 'b', 'c'])],
  ...[cursorOf([true]), cursorOf([null]), cursorOf([['a']]), cursorOf(['a\0b']), cursorOf(['a'.repeat(513)])],
  ...[cursorOf([1.5]), cursorOf([-1]), cursorOf([2 ** 60]), cursorOf(['1', '\0']), cursorOf(['x', 'y'])],
  ...[cursorOf([1, 'a\0']), cursorOf([1.5, 'a']), cursorOf([1, 2]), cursorOf(['', -1])],
]

test('a cursor is taken as it was made, and in no other form', () => {
  const made = encodeCursor([7, 'anna'])
  expect(decodeCursor(made, 'number', 'text')).toEqual([7, 'anna'])
  const spaced = Buffer.from('[7, "anna"]').toString('base64url')
  for (const other of [`${made}=`, spaced, encodeCursor(['anna', 7]), encodeCursor([7])]) {
    expect(() => decodeCursor(other, 'number', 'text')).toThrow(/take nextCursor/)
  }
})

describe.each(ENGINES)('cursors that nobody gave, on $name', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(engine)
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
  })
  afterAll(() => server?.dispose())

  test.each([
    '/applications',
    `/applications/${APP}/conversations`,
    `/applications/${APP}/directory/users`,
    `/applications/${APP}/directory/sign-up-tokens`,
    `/applications/${APP}/directory/devices?expiringWithin=30d`,
  ])('%s refuses them', async (path) => {
    expect((await server.admin('GET', path)).status).toBe(200)
    for (const cursor of REFUSED) {
      const { status, body } = await server.admin(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`,
      )
      expect([status, body.code], cursor).toEqual([400, 'INPUT_INVALID'])
    }
  })
})
