import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createSearch } from '../tools/demo/search-many.ts'

const DEMO = fileURLToPath(new URL('../tools/demo.ts', import.meta.url))
const TIMEOUT_MS = 240_000
/** One who stays as he is, one who is somebody else, one more. */
const PEOPLE = 3
const execute = promisify(execFile)

test('every claim of the tour of identity holds', { timeout: TIMEOUT_MS }, async () => {
  const words = [DEMO, '--only', 'identity', '--people', String(PEOPLE)]
  const { stdout } = await execute(process.execPath, words, { timeout: TIMEOUT_MS })
  expect(stdout).not.toContain('NOT TRUE')
  expect(stdout).toContain('SoftHSM 2 (PKCS#11)')
  expect(stdout).toMatch(/^\d{2} claims hold, 0 do not \(identity, \d+ s\)$/m)
})

test.each(['2', 'some'])('%s people are refused', async (people) => {
  const refused = execute(process.execPath, [DEMO, '--only', 'identity', '--people', people])
  await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--people') })
})

describe('the search for many texts at once', () => {
  const search = createSearch(['Testina Exampleton', '7193064825', new Uint8Array(24).fill(201)])

  test.each([
    ['as they are', Buffer.from('at the very end Testina Exampleton')],
    ['in hex', Buffer.from(Buffer.from('x7193064825').toString('hex'))],
    ['bytes', Buffer.concat([Buffer.from('abc'), Buffer.alloc(24, 201)])],
    ...[0, 1, 2].map((shift): [string, Buffer] => [
      `in Base64, ${shift} bytes from its start`,
      Buffer.from(Buffer.from(`${'-'.repeat(shift)}Testina Exampleton, and more`).toString('base64url')),
    ]),
  ])('finds them %s', (_how, bytes) => {
    expect(search([Buffer.from('nothing'), bytes])).toMatchObject({ found: 1, bytes: bytes.length + 7 })
  })

  test('and nothing else', () => {
    expect(search([Buffer.from('Testina Exampletom 719306482'), Buffer.alloc(9)]).found).toBe(0)
    expect(() => createSearch(['short'])).toThrow(TypeError)
  })
})
