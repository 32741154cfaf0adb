import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import { call, createKit, json, post, seal, sealedError } from './gateway-kit.ts'

describe.each([
  ['node', nodeBackend],
  ['webcrypto', webBackend],
  ['noble', nobleBackend],
] as const)('a gateway on the %s backend', (_name, backend) => {
  test.each([
    ['x25519', 'aes-256-gcm'],
    ['x-wing', 'aes-128-gcm'],
    ['p-256', 'chacha20-poly1305'],
  ] as const)('%s with %s: a call, a replay, a flipped bit', async (kem, aead) => {
    const kit = await createKit({ backend, kem, aead })
    expect(json(await call(kit))).toMatchObject({ text: 'a request in a seal' })
    const { envelope, sealer } = await seal(kit)
    await post(kit, envelope)
    const { open } = await import('./gateway-kit.ts')
    expect(sealedError(await open(sealer, await post(kit, envelope)))).toBe('REPLAYED')
    const refusal = await post(kit, envelope.slice(0, 20))
    envelope[envelope.length - 1]! ^= 1
    expect(await post(kit, envelope)).toEqual(refusal)
    expect(kit.seen).toHaveLength(2)
  })

  test('a client on another backend', async () => {
    const server = await createKit({ backend })
    const other = backend === nodeBackend ? webBackend : nodeBackend
    const publicKey = await other.kem.importPublicKey('x25519', server.pair.publicKey.bytes)
    const client = { ...server, backend: other, recipient: { ...server.recipient, publicKey } }
    expect((await call(client)).status).toBe(200)
  })
})
