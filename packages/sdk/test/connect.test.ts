import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGateway, createMemoryReplayStore, staticGatewayKeys } from '@keyhaven/channel/gateway'
import { backend, toBase64url } from '@keyhaven/crypto'
import {
  type ConnectOptions,
  connect,
  createMemoryStorage,
  indexedDbStorage,
  KeyhavenError,
  SDK_VERSION,
} from '@keyhaven/sdk'
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

const roots = { rootThumbprints: ['A'.repeat(43)] }
const THUMBPRINT = 'trust.rootThumbprints[0] must be 43 characters of base64url'

test.each<[unknown, string]>([
  [undefined, 'options must be an object with url, applicationId and trust; given: nothing'],
  [
    'https://keys.example',
    'options must be an object with url, applicationId and trust; given: a text of 20',
  ],
  [{}, 'url must be an http or https address such as https://keys.example.com; given: nothing'],
  [{ url: 'keys.example' }, 'given: "keys.example"'],
  [
    { url: 'ftp://keys.example' },
    'url must be an http or https address such as https://keys.example.com; given: one',
  ],
  [
    { url },
    'applicationId must be 1 to 63 small letters, digits and -, as the server lists it; given: nothing',
  ],
  [{ url, applicationId: 'My App' }, 'given: "My App"'],
  [{ url, applicationId: 'demo' }, 'trust must hold either rootThumbprints or pinnedKeys; given: nothing'],
  [
    { url, applicationId: 'demo', trust: { rootThumbprint: 'A'.repeat(43) } },
    'trust must hold either rootThumbprints or pinnedKeys; given: "rootThumbprint": did you mean rootThumbprints?',
  ],
  [
    { url, applicationId: 'demo', trust: { rootThumbprints: 'A'.repeat(43) } },
    'trust.rootThumbprints must be a list of 1 to 8; given: a text of 43 characters',
  ],
  [
    { url, applicationId: 'demo', trust: { rootThumbprints: ['ROOT-THUMBPRINT', 'SPARE-THUMBPRINT'] } },
    `${THUMBPRINT}, as the server prints them when it starts; given: the placeholder "ROOT-THUMBPRINT"`,
  ],
  [
    { url, applicationId: 'demo', trust: { pinnedKeys: [{ keyId: 1, publicKey: 'PUBLIC-KEY' }] } },
    'trust.pinnedKeys[0].publicKey must be the base64url of 1216 bytes (x-wing), 32 bytes (x25519), 65 bytes (p-256)',
  ],
  [{ url, applicationId: 'demo', trust: roots, appVersion: 1 }, 'appVersion must be a text of 1 to 64'],
  [{ url, applicationId: 'demo', trust: roots, appVersion: 1 }, 'given: the number 1'],
  [
    { url, applicationId: 'demo', trust: roots, storage: {} },
    'storage must be an object with the functions get',
  ],
  [
    { url, applicationId: 'demo', trust: roots, fetch: 'x' },
    'fetch must be a function; given: a text of 1 char',
  ],
  [
    { url, applicationId: 'demo', trust: roots, streamUploads: 'no' },
    'streamUploads must be a boolean; given: a text',
  ],
  [
    { url, applicationId: 'demo', trust: roots, appversion: '1.0' },
    'a channel has no option "appversion": did you mean appVersion?',
  ],
  [{ URL: url, applicationId: 'demo', trust: roots }, 'has no option "URL": did you mean url?'],
  [
    { url, applicationId: 'demo', trust: roots, retries: 3 },
    'has no option "retries": it has url, applicationId,',
  ],
  [
    { url, applicationId: 'demo', ...roots },
    'no option "rootThumbprints": did you mean trust.rootThumbprints?',
  ],
])('a wrong option is named, with what it must be: %j', (options, message) => {
  const connecting = () => connect(options as ConnectOptions)
  expect(connecting).toThrow(TypeError)
  expect(connecting).toThrow(message)
})

test('what may be a secret is not repeated', () => {
  const secret = 'c2VjcmV0-of-somebody'
  for (const wrong of [
    secret,
    { url: `https://user:${secret}@keys.example` },
    { url: `user:${secret}@keys.example:x` },
    { url: `//user:${secret}@keys.example` },
    { url, applicationId: 'demo', trust: secret },
    { url, applicationId: 'demo', trust: { rootThumbprints: [secret] } },
    { url, applicationId: 'demo', trust: { pinnedKeys: [{ keyId: 1, publicKey: secret }] } },
    { url, applicationId: 'demo', trust: { pinnedKeys: [{ keyId: secret }] } },
    { url, applicationId: 'demo', trust: roots, storage: secret },
  ]) {
    expect(() => connect(wrong as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.not.stringContaining(secret) }),
    )
  }
})

test('an option that is undefined counts as left out', () => {
  const trust = { ...roots, pinnedKeys: undefined }
  const options = { url, applicationId: 'demo', trust, appVersion: undefined, storage: undefined }
  expect(connect(options as never).status().trust).toBe('manifest')
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
