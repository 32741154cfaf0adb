import { createMemoryStorage, type PinnedKey } from '@keyhaven/channel'
import { fromBase64url, kemPublicKeyToJwk } from '@keyhaven/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { byteStream } from './byte-stream.ts'
import { codeOf, createTestServer, forgedProblem, OHTTP_KEY_TYPE, type TestServer } from './test-server.ts'

let server: TestServer
let oldest: PinnedKey
let middle: PinnedKey
let newest: PinnedKey
/** Key ids of the attempts, in order. */
let attempts: number[]

beforeEach(async () => {
  server = await createTestServer()
  oldest = await server.addKey(10)
  middle = await server.addKey(11)
  newest = await server.addKey(12)
  attempts = []
  server.attack = async (request, forward) => {
    attempts.push(new Uint8Array(await request.clone().arrayBuffer())[0]!)
    return forward(request)
  }
})

/** Refuses all attempts to these keys in clear, whatever the server thinks. */
function forgeFor(...keyIds: number[]): void {
  server.attack = async (request, forward) => {
    const keyId = new Uint8Array(await request.clone().arrayBuffer())[0]!
    attempts.push(keyId)
    return keyIds.includes(keyId) ? forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE) : forward(request)
  }
}

const pinned = (...pinnedKeys: PinnedKey[]) => ({ trust: { pinnedKeys } })

test('a call goes to the oldest key, with no manifest', async () => {
  expect((await server.channel(pinned(oldest, newest)).fetch('/')).status).toBe(200)
  expect([attempts, server.manifestFetches]).toEqual([[10], 0])
})

test.each(['x25519', 'x-wing', 'p-256'] as const)(
  'a %s key is pinned as bytes, with and without suite, and as JWK',
  async (kem) => {
    server = await createTestServer({ kem })
    const key = (await server.addKey(20)) as Extract<PinnedKey, { publicKey: string }>
    const jwk = kemPublicKeyToJwk({ kem, bytes: fromBase64url(key.publicKey) })
    const spellings: PinnedKey[] = [
      key,
      { keyId: 20, publicKey: key.publicKey },
      { keyId: 20, jwk },
      { keyId: 20, jwk, aead: 'aes-256-gcm' },
    ]
    for (const spelling of spellings) {
      expect((await server.channel(pinned(spelling)).fetch('/')).status).toBe(200)
    }
  },
)

test('when the old key is revoked the next one is tried, and stays after a sealed answer', async () => {
  const channel = server.channel(pinned(oldest, newest))
  await channel.fetch('/')
  server.setState(10, 'revoked')
  expect((await channel.fetch('/')).status).toBe(200)
  expect((await channel.fetch('/')).status).toBe(200)
  expect(attempts).toEqual([10, 10, 12, 12])
  expect(channel.status()).toMatchObject({ trust: 'pinned', keyId: 12, manifest: undefined })
})

test('the key that worked is remembered over a restart, and the list can change around it', async () => {
  const storage = createMemoryStorage()
  server.setState(10, 'revoked')
  await server.channel({ ...pinned(oldest, middle), storage }).fetch('/')
  await server.channel({ ...pinned(oldest, middle), storage }).fetch('/')
  await server.channel({ ...pinned(middle, newest), storage }).fetch('/')
  await server.channel({ ...pinned(newest), storage }).fetch('/')
  expect(attempts).toEqual([10, 11, 11, 11, 12])
})

test('all pinned keys revoked: KEY_REVOKED, with what to do', async () => {
  server.setState(10, 'revoked')
  server.setState(12, 'revoked')
  const error = await server
    .channel(pinned(oldest, newest))
    .fetch('/')
    .catch((reason) => reason)
  expect(error.code).toBe('KEY_REVOKED')
  expect(error.message).toContain('update the app')
  expect([attempts, server.runs]).toEqual([[10, 12], []])
})

test('several keys behind, the newest one still answers', async () => {
  server.setState(10, 'revoked')
  server.setState(11, 'revoked')
  expect((await server.channel(pinned(oldest, middle, newest)).fetch('/')).status).toBe(200)
  expect([attempts, server.runs]).toEqual([[10, 11, 12], ['GET /']])
})

test('an app that sends only streams gets past a revoked key with its second call', async () => {
  server.setState(10, 'revoked')
  const channel = server.channel(pinned(oldest, newest))
  const init = () =>
    ({ method: 'POST', body: byteStream([new Uint8Array(10)]), duplex: 'half' }) as RequestInit
  expect(await codeOf(channel.fetch('/', init()))).toBe('GATEWAY_REFUSED')
  expect((await channel.fetch('/', init())).status).toBe(200)
  expect((await channel.fetch('/', init())).status).toBe(200)
  expect(attempts).toEqual([10, 12, 12])
})

describe('a forged refusal', () => {
  test('never takes the client back to an older key', async () => {
    const channel = server.channel(pinned(oldest, newest))
    server.setState(10, 'revoked')
    await channel.fetch('/')
    server.setState(10, 'active')
    attempts = []
    forgeFor(12)
    expect(await codeOf(channel.fetch('/'))).toBe('KEY_REVOKED')
    expect(attempts).toEqual([12])
  })

  test('moves it forward only if the server proves to have the newer key', async () => {
    const storage = createMemoryStorage()
    forgeFor(10, 12)
    expect(await codeOf(server.channel({ ...pinned(oldest, newest), storage }).fetch('/'))).toBe(
      'KEY_REVOKED',
    )
    forgeFor()
    attempts = []
    await server.channel({ ...pinned(oldest, newest), storage }).fetch('/')
    expect(attempts).toEqual([10])
  })

  test('does not take it back by a slow answer under the older key either', async () => {
    const channel = server.channel(pinned(oldest, newest))
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    server.handler = async (request) => {
      if (request.url.endsWith('/slow')) await held
      return new Response()
    }
    const slow = channel.fetch('/slow')
    await expect.poll(() => server.runs).toEqual(['GET /slow'])
    forgeFor(10)
    await channel.fetch('/')
    release()
    expect((await slow).status).toBe(200)
    await channel.fetch('/')
    expect(attempts).toEqual([10, 10, 12, 12])
  })

  test('of another kind is treated the same', async () => {
    for (const status of [400, 403, 404, 413, 499]) {
      attempts = []
      server.attack = async (request, forward) => {
        const keyId = new Uint8Array(await request.clone().arrayBuffer())[0]!
        attempts.push(keyId)
        return keyId === 10 ? new Response('no', { status }) : forward(request)
      }
      expect((await server.channel(pinned(oldest, newest)).fetch('/')).status).toBe(200)
      expect(attempts).toEqual([10, 12])
    }
  })

  test('cannot make a request run twice', async () => {
    server.attack = async (request, forward) => {
      const keyId = new Uint8Array(await request.clone().arrayBuffer())[0]!
      attempts.push(keyId)
      const answer = await forward(request)
      return keyId === 10 ? forgedProblem(401, 'KEY_REVOKED', OHTTP_KEY_TYPE) : answer
    }
    expect(
      await codeOf(server.channel(pinned(oldest, middle, newest)).fetch('/pay', { method: 'POST' })),
    ).toBe('RESULT_UNKNOWN')
    expect(server.runs).toEqual(['POST /pay'])
  })
})

test('storage that cannot be written does not fail a call that has run', async () => {
  server.setState(10, 'revoked')
  const values = new Map<string, string>()
  const storage = {
    get: (key: string) => values.get(key),
    set: (key: string, value: string) => {
      if (key.endsWith('pinned')) throw new Error('full')
      values.set(key, value)
    },
  }
  const channel = server.channel({ ...pinned(oldest, newest), storage })
  expect((await channel.fetch('/')).status).toBe(200)
  expect((await channel.fetch('/')).status).toBe(200)
  expect(attempts).toEqual([10, 12, 12])
})

test('keys that are none are refused', async () => {
  expect(() => server.channel(pinned())).toThrow(TypeError)
  expect(() => server.channel(pinned(...Array(9).fill(oldest)))).toThrow(TypeError)
  const atOnce: [object, string][] = [
    [
      { ...oldest, keyId: 256 },
      'trust.pinnedKeys[1].keyId must be a whole number from 0 to 255; given: the number 256',
    ],
    [
      { keyId: 1, publicKey: 'AAAA' },
      'trust.pinnedKeys[1].publicKey must be the base64url of 1216 bytes (x-wing)',
    ],
    [{ keyId: 1, publicKey: '!' }, 'given: a text of 1 characters'],
    [{ keyId: 1, publicKey: 'PUBLIC-KEY' }, 'given: the placeholder "PUBLIC-KEY" of the documentation'],
    [{ ...oldest, suite: { kem: 'p-256', aead: 'aes-256-gcm' } }, 'the base64url of 65 bytes (p-256)'],
    [
      { ...oldest, suite: { kem: 'rsa', aead: 'aes-256-gcm' } },
      'suite.kem must be one of x-wing, x25519, p-256; given: "rsa"',
    ],
    [
      { keyId: 1, jwk: 'text' },
      'trust.pinnedKeys[1].jwk must be the public key as a JWK; given: a text of 4 characters',
    ],
    [{ keyId: 1 }, 'trust.pinnedKeys[1].publicKey must be'],
  ]
  for (const [key, message] of atOnce) {
    const create = () => server.channel(pinned(oldest, key as PinnedKey))
    expect(create).toThrow(TypeError)
    expect(create).toThrow(message)
  }
  const whenUsed: [PinnedKey, string][] = [
    [{ keyId: 1, jwk: { kty: 'RSA' } }, 'trust.pinnedKeys[1].jwk is not a public key'],
    [{ keyId: 1, publicKey: 'A'.repeat(87) }, 'trust.pinnedKeys[1].publicKey is not a public key'], // no point of P-256
  ]
  for (const [key, message] of whenUsed) {
    const calling = server.channel(pinned(oldest, key)).fetch('/')
    await expect(calling).rejects.toThrow(TypeError)
    await expect(calling).rejects.toThrow(message)
  }
})

test.each([
  ['none', undefined],
  ['neither of the two', {}],
  ['both', { pinnedKeys: [{ keyId: 1, publicKey: 'AA' }], rootThumbprints: ['A'.repeat(43)] }],
])('trust of %s is refused before anything is sent', (_name, trust) => {
  expect(() => server.channel({ trust: trust as never })).toThrow(
    'trust must hold either rootThumbprints or pinnedKeys',
  )
})
