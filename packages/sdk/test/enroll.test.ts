import { memoryStore } from '@keyhaven/messaging'
import { connect, type EnrollOptions } from '@keyhaven/sdk'
import { expect, test } from 'vitest'

const url = 'https://server.test'
const rootThumbprints = ['A'.repeat(43)]
const LOG = 'keyhaven.test/demo+d2e50728+AXg4Xfu4JcOMOJ/+ecBAAz1I6XKu3iu9x0G46BjrD4ww'

/** Nothing may be sent. */
const network: typeof fetch = async () => {
  throw new Error('the network was used')
}

const open = (log?: string) =>
  connect({ url, applicationId: 'demo', trust: { rootThumbprints, ...(log && { log }) }, fetch: network })

test('without the key of the log there are no devices, and the error says where the key is', async () => {
  const store = memoryStore()
  const kh = open()
  for (const opening of [
    kh.enroll({ username: 'anna', token: 'khs_x', store }),
    kh.resume({ store }),
    kh.requestDevice({ username: 'anna', store }),
  ]) {
    await expect(opening).rejects.toThrow(TypeError)
    await expect(opening).rejects.toThrow(/trust\.log.*npm start.*keyhaven directory log show/s)
  }
  expect(await store.list('')).toEqual([])
})

test.each([{}, { token: 't', idToken: 'i' }, { token: 1 }])(
  'enroll takes one sign-up proof, not %j',
  async (proof) => {
    const options = { username: 'anna', ...proof } as unknown as EnrollOptions
    await expect(open(LOG).enroll(options)).rejects.toThrow('enroll() needs either token')
  },
)

test('a store without a device is not resumed, and one of another user is not taken', async () => {
  const store = memoryStore()
  const kh = open(LOG)
  expect(await kh.resume({ store })).toBeUndefined()
  const { request, fingerprint, close } = await kh.requestDevice({ username: 'anna', store })
  expect(request.split('.')).toHaveLength(3)
  expect(fingerprint).toMatch(/^(\d{5} ){4}\d{5}$/)
  // It has no approval yet.
  expect(await kh.resume({ store })).toBeUndefined()
  const taken = kh.enroll({ username: 'ben', token: 'khs_x', store })
  await expect(taken).rejects.toMatchObject({ code: 'CONFLICT' })
  await close()
  // The same keys again: an approval of the earlier request still counts.
  const again = await kh.requestDevice({ username: 'anna', store })
  const keysOf = (jws: string) =>
    JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()).signingKey
  expect(keysOf(again.request)).toEqual(keysOf(request))
})

test.each([
  [{ username: '' }, 'a username has 1 to 128 characters'],
  [{ username: ' anna' }, 'no space at either end'],
  [{ profile: 'rot13' }, 'profile must be one of'],
])('enroll refuses %j before anything is kept', async (wrong, why) => {
  const store = memoryStore()
  const options = { username: 'anna', token: 'khs_x', store, ...wrong } as EnrollOptions
  await expect(open(LOG).enroll(options)).rejects.toThrow(why)
  expect(await store.list('')).toEqual([])
})

test('a long text in place of the key of the log is shown in part, and said to be', async () => {
  const enrolling = open(`logs.example/${'x'.repeat(100)}`).enroll({ username: 'anna', token: 'khs_x' })
  await expect(enrolling).rejects.toThrow(`"logs.example/${'x'.repeat(67)}" (cut here) is not a verifier key`)
})

test.each(['LOG-VERIFIER-KEY', `${LOG.slice(0, -1)}~`])('a key of the log that is none: %s', async (log) => {
  const store = memoryStore()
  const kh = open(log)
  for (const opening of [
    kh.enroll({ username: 'anna', token: 'khs_x', store }),
    kh.requestDevice({ username: 'anna', store }),
  ]) {
    const message = expect.stringContaining(`"${log}" is not a verifier key`)
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID', message })
  }
  expect(await store.list('')).toEqual([])
})
