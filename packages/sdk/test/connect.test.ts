import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGateway, createMemoryReplayStore, staticGatewayKeys } from '@keyhaven/channel/gateway'
import { backend, toBase64url } from '@keyhaven/crypto'
import { connect, createMemoryStorage, indexedDbStorage, KeyhavenError, SDK_VERSION } from '@keyhaven/sdk'
import { beforeAll, expect, test } from 'vitest'

const url = 'https://server.test'
let pinnedKeys: { keyId: number; publicKey: string }[]
let network: typeof fetch

beforeAll(async () => {
  const { privateKey, publicKey } = await backend.kem.generateKeyPair('x-wing')
  pinnedKeys = [{ keyId: 1, publicKey: toBase64url(publicKey.bytes) }]
  const gateway = createGateway({
    keys: staticGatewayKeys([{ keyId: 1, privateKey }], 'demo'),
    handler: async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`),
    replay: createMemoryReplayStore(Date.now, { refusesBefore: 1 }),
  })
  network = (input, init) =>
    gateway(new Request(input, init), new URL(String(input)).pathname.split('/').at(-1))
})

test('four lines to a first sealed call', async () => {
  const keyhaven = connect({ url, applicationId: 'demo', trust: { pinnedKeys }, fetch: network })
  const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
  expect(await response.text()).toBe('POST https://server.test/v1/echo hello')
  expect(keyhaven.status()).toEqual({ trust: 'pinned', keyId: 1, manifest: undefined, clockOffset: 0 })
})

test('fetch can be taken off the object, as an app that passes it on does', async () => {
  const { fetch } = connect({ url, applicationId: 'demo', trust: { pinnedKeys }, fetch: network })
  expect((await fetch('/')).status).toBe(200)
})

test('the installation id is random and stays in storage', async () => {
  const storage = createMemoryStorage()
  const stored: string[] = []
  const spied = {
    get: storage.get,
    set: (key: string, value: string) => {
      stored.push(`${key} ${value}`)
      return storage.set(key, value)
    },
  }
  for (let start = 0; start < 2; start++) {
    const options = { url, applicationId: 'demo', trust: { pinnedKeys }, fetch: network, storage: spied }
    await connect(options).fetch('/')
  }
  expect(stored).toHaveLength(1)
  expect(stored[0]).toMatch(/^keyhaven\/demo@https:\/\/server\.test\/\/installation [A-Za-z0-9_-]{22}$/)
})

test('errors of the channel are KeyhavenErrors that say what to do', async () => {
  const keyhaven = connect({ url, applicationId: 'other', trust: { pinnedKeys }, fetch: network })
  const error = await keyhaven.fetch('/').catch((reason) => reason)
  expect(error).toBeInstanceOf(KeyhavenError)
  expect(error.code).toBe('KEY_REVOKED')
  expect(error.message).toContain('update the app')
})

test('after close calls are refused', async () => {
  const keyhaven = connect({ url, applicationId: 'demo', trust: { pinnedKeys }, fetch: network })
  keyhaven.close()
  await expect(keyhaven.fetch('/')).rejects.toThrow(TypeError)
})

test('where there is no IndexedDB its storage says so at once', () => {
  expect(() => indexedDbStorage()).toThrow(TypeError)
})

test('the version that the SDK tells is that of its package', () => {
  for (const name of ['sdk', 'channel']) {
    const path = join(import.meta.dirname, '../../..', 'packages', name, 'package.json')
    expect(JSON.parse(readFileSync(path, 'utf8')).version).toBe(SDK_VERSION)
  }
})
