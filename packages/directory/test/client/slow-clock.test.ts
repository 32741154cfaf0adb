import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  generateDeviceKeys,
  type SignedFetch,
} from '@keyhaven/directory'
import { beforeEach, expect, test } from 'vitest'
import { TestChain } from '../kit/test-chain.ts'
import { newKeys } from '../kit/test-keys.ts'
import { RealService } from './real-service.ts'
import { codeOf } from './test-user.ts'

/** Less than the 120 s by which a checkpoint may lie ahead. */
const SLOW_SECONDS = 100

let server: RealService

/** A device of alice's whose clock is so many seconds slow. */
async function device(slow: number, fetch: SignedFetch = server.fetch) {
  const keys = await generateDeviceKeys(nodeBackend, 'x25519')
  const client = createDirectoryClient({
    fetch,
    application: 'demo',
    trust: server.trust,
    store: createMemoryDirectoryStore(),
    clock: () => (server.now - slow) * 1_000,
    backend: nodeBackend,
  })
  const signUp = await server.token('alice')
  return { client, register: () => client.register('alice', { ...keys, name: 'laptop' }, signUp) }
}

beforeEach(async () => {
  server = await RealService.create()
  await (await device(0)).register()
  await server.service.reset({ username: 'alice', reason: 'all devices lost' }, 'token:admin')
})

test('a first device after a reset signs up also where its clock is slow: its entry is dated as the reset', async () => {
  const { client, register } = await device(SLOW_SECONDS)
  await register()
  const { chain, history } = await client.ownChain()
  expect(chain).toBe(1)
  expect(history.map(({ kind, issued }) => [kind, issued])).toEqual([
    ['device', server.now],
    ['reset', server.now],
    ['device', server.now],
  ])
})

test('a clock that is slower than clocks may be is CLOCK_SKEW, and the token is not used up', async () => {
  expect(await codeOf((await device(3_600)).register())).toBe('CLOCK_SKEW')
  const { register } = await device(0)
  expect(await codeOf(register())).toBe('accepted')
})

test('a directory cannot make a device sign a date far ahead', async () => {
  const sent: string[] = []
  const lying: SignedFetch = async (path, init, sign) => {
    if (path === '/v1/directory/devices') sent.push(String(init?.body))
    const response = await server.fetch(path, init, sign)
    if (response.status !== 409) return response
    return Response.json({ ...(await response.json()), issued: server.now + 301 }, { status: 409 })
  }
  const { register } = await device(0, lying)
  expect(await codeOf(register())).toBe('CLOCK_SKEW')
  expect(sent).toHaveLength(1)
})

test('an entry dated before the reset is CLOCK_SKEW to the one who sends it, not a broken chain', async () => {
  const { entries } = await server.service.user('alice')
  const alice = await TestChain.open('alice')
  const { chain, sequence, head } = (await server.service.user('alice')).state
  alice.now = server.now - SLOW_SECONDS
  alice.state = { ...alice.state, chain, sequence, head, issued: 0 }
  const keys = await newKeys('x25519')
  const fields = await alice.deviceFields(keys, 'A'.repeat(22))
  const entry = await alice.sign(keys.signer, fields)
  const signUp = await server.token('alice')
  expect(await codeOf(server.service.register({ entry, signUp }, undefined))).toBe('CLOCK_SKEW')
  expect((await server.service.user('alice')).entries).toHaveLength(entries.length)
})
