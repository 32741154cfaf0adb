import type { ChannelOptions } from '@keyhaven/channel'
import { createGateway, createMemoryReplayStore, staticGatewayKeys } from '@keyhaven/channel/gateway'
import { AEAD_IDS, KDF_HKDF_SHA256 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { describe, expect, test } from 'vitest'
import { encodeKeyConfigList } from '../../src/wire/key-config.ts'
import { OHTTP_KEYS_TYPE } from '../../src/wire/media-types.ts'
import { APPLICATION_ID, codeOf, createTestServer, forgedProblem, OHTTP_KEY_TYPE } from './test-server.ts'

const KEY_ID = 10
const CALLS = new Set([`POST /gateway/${APPLICATION_ID}`, `GET /gateway/${APPLICATION_ID}/manifest`])

/**
 * Opens what is sealed to a key of its own, under the same key id, and hands that key to whoever asks for
 * keys.
 */
async function createAttacker(clock: () => number) {
  const { privateKey, publicKey } = await nodeBackend.kem.generateKeyPair('x25519')
  const opened: string[] = []
  const gateway = createGateway({
    keys: staticGatewayKeys(
      [1, KEY_ID].map((keyId) => ({ keyId, privateKey })),
      APPLICATION_ID,
    ),
    applicationId: APPLICATION_ID,
    handler: (request) => {
      opened.push(request.url)
      return new Response('stolen')
    },
    replay: createMemoryReplayStore(clock, { refusesBefore: 1 }),
    clock,
  })
  const symmetric = [{ kdf: KDF_HKDF_SHA256, aead: AEAD_IDS['aes-256-gcm'] }]
  const config = (keyId: number) => ({ keyId, kem: 'x25519' as const, publicKey: publicKey.bytes, symmetric })
  const list = encodeKeyConfigList([config(1), config(KEY_ID)])
  return {
    opened,
    answer: async (request: Request) =>
      request.method === 'POST'
        ? gateway(request, APPLICATION_ID)
        : new Response(list, { headers: { 'content-type': OHTTP_KEYS_TYPE } }),
  }
}

describe('application/ohttp-keys and RFC 9540 discovery', () => {
  async function setUp(trust: 'manifest' | 'pinned') {
    const server = await createTestServer()
    const key = await server.addKey(KEY_ID)
    await server.publish()
    const asked: string[] = []
    const accepted: (string | null)[] = []
    const watch = (request: Request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`)
      accepted.push(request.headers.get('accept'))
    }
    server.attack = (request, forward) => {
      watch(request)
      return forward(request)
    }
    const options: Partial<ChannelOptions> = trust === 'pinned' ? { trust: { pinnedKeys: [key] } } : {}
    const attacker = await createAttacker(() => server.now)
    return { server, asked, accepted, watch, attacker, channel: () => server.channel(options) }
  }

  describe.each(['manifest', 'pinned'] as const)('and a client with a %s', (trust) => {
    test('are never asked for: at the start, after refusals of its key, when nothing is left', async () => {
      const { server, asked, accepted, watch, channel } = await setUp(trust)
      const client = channel()
      expect((await client.fetch('/')).status).toBe(200)
      for (const code of ['KEY_UNKNOWN', 'KEY_REVOKED', 'OPEN_FAILED', 'NOT_FOUND']) {
        server.attack = async (request, forward) => {
          watch(request)
          return request.method === 'POST' ? forgedProblem(401, code, OHTTP_KEY_TYPE) : forward(request)
        }
        expect(await codeOf(client.fetch('/'))).not.toBe('resolved')
      }
      server.attack = async (request) => {
        watch(request)
        return new Response('gone', { status: 404 })
      }
      expect(await codeOf(channel().fetch('/'))).not.toBe('resolved')
      expect(asked.length).toBeGreaterThan(5)
      expect(asked.filter((call) => !CALLS.has(call))).toEqual([])
      expect(accepted.filter((types) => types?.includes('ohttp-keys'))).toEqual([])
    })

    test('bring an attacker who answers everything with his own key nothing', async () => {
      const { server, attacker, channel } = await setUp(trust)
      const known = channel()
      expect((await known.fetch('/')).status).toBe(200)
      server.attack = attacker.answer
      for (const client of [known, channel()]) {
        for (let i = 0; i < 2; i++) expect(await codeOf(client.fetch('/secret'))).not.toBe('resolved')
      }
      expect(attacker.opened).toEqual([])
      expect(server.runs).toEqual(['GET /'])
    })
  })

  test('would serve him well: who does take the key is read', async () => {
    const { server, attacker } = await setUp('manifest')
    const list = await attacker.answer(new Request('https://server.test/gateway/demo'))
    const bytes = new Uint8Array(await list.arrayBuffer())
    // Length u16, key id u8, KEM id u16, then the 32 bytes of the key.
    const publicKey = Buffer.from(bytes.subarray(5, 37)).toString('base64url')
    server.attack = attacker.answer
    const fooled = server.channel({ trust: { pinnedKeys: [{ keyId: 1, publicKey }] } })
    expect(await (await fooled.fetch('/secret')).text()).toBe('stolen')
    expect(attacker.opened).toHaveLength(1)
  })
})
