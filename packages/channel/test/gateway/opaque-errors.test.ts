import { utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeRequest } from '../../src/wire/binary-http.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { clearError, createKit, type Kit, makeRequest, type Outer, post, seal, WHOLE } from './gateway-kit.ts'

const HEADER_BYTES = 7

describe.each(['x25519', 'p-256', 'x-wing'] as const)('what cannot be opened, %s', (kem) => {
  let kit: Kit
  let envelope: Uint8Array
  let refusal: Outer

  beforeAll(async () => {
    kit = await createKit({ kem })
    envelope = (await seal(kit)).envelope
    const other = await nodeBackend.kem.generateKeyPair(kem)
    const stranger = { ...kit, recipient: { ...kit.recipient, publicKey: other.publicKey } }
    refusal = await post(kit, (await seal(stranger)).envelope)
  })

  test('a wrong key', () => {
    expect(refusal.status).toBe(400)
    expect(clearError(refusal)).toBe('OPEN_FAILED')
  })

  test('each cut', async () => {
    // X-Wing envelopes are long: every length near a border, and a sample between.
    const step = kem === 'x-wing' ? 17 : 1
    for (let length = 0; length < envelope.length; length += step) {
      expect(await post(kit, envelope.slice(0, length)), `cut to ${length}`).toEqual(refusal)
    }
  })

  test('each extra byte', async () => {
    for (const extra of [[0], [1], [0, 0], [...envelope]]) {
      expect(await post(kit, Uint8Array.of(...envelope, ...extra))).toEqual(refusal)
    }
  })

  test('each flipped bit after the header', async () => {
    const step = kem === 'x-wing' ? 37 : 1
    for (let bit = HEADER_BYTES * 8; bit < envelope.length * 8; bit += step) {
      const flipped = Uint8Array.from(envelope)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(await post(kit, flipped), `bit ${bit}`).toEqual(refusal)
    }
  })

  test('each flipped bit of the header names another key or suite, which is public', async () => {
    const answers = new Set<string>()
    for (let bit = 0; bit < HEADER_BYTES * 8; bit++) {
      const flipped = Uint8Array.from(envelope)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const answer = await post(kit, flipped)
      answers.add(`${answer.status} ${clearError(answer)}`)
    }
    // A flipped AEAD id can name another AEAD that the key takes: then it is the seal that does not open.
    expect([...answers].sort()).toEqual(['400 OPEN_FAILED', '401 KEY_UNKNOWN'])
  })

  test('a low-order or malformed encapsulated key', async () => {
    const zeros = Uint8Array.from(envelope).fill(0, HEADER_BYTES, HEADER_BYTES + 32)
    expect(await post(kit, zeros)).toEqual(refusal)
    const ones = Uint8Array.from(envelope).fill(0xff, HEADER_BYTES, HEADER_BYTES + 65)
    expect(await post(kit, ones)).toEqual(refusal)
  })

  test('an empty body, and noise', async () => {
    expect(await post(kit, new Uint8Array(0))).toEqual(refusal)
    const noise = crypto.getRandomValues(new Uint8Array(2000))
    noise.set(envelope.subarray(0, HEADER_BYTES))
    expect(await post(kit, noise)).toEqual(refusal)
  })

  test('one form sent as the other', async () => {
    expect(await post(kit, envelope, WHOLE)).toEqual(refusal)
    const whole = await sealRequest(kit.backend, kit.recipient, encodeRequest(makeRequest()))
    expect(await post(kit, whole.encapsulated)).toEqual(refusal)
    const answer = await post(kit, whole.encapsulated, WHOLE)
    expect(answer.status).toBe(200)
  })

  test('nothing of all this ran, but for the one that was whole', () => {
    expect(kit.seen).toHaveLength(1)
  })
})

describe('chunks', () => {
  async function chunked(kit: Kit, sizes: readonly number[]) {
    const bytes = encodeRequest(makeRequest({ body: utf8('x'.repeat(300)) }, kit.now))
    const sealer = await createRequestSealer(kit.backend, kit.recipient)
    const pieces: Uint8Array[] = []
    let at = 0
    for (const size of sizes) {
      pieces.push(await sealer.sealChunk(bytes.subarray(at, at + size), false))
      at += size
    }
    pieces.push(await sealer.sealChunk(bytes.subarray(at), true))
    return { sealer, header: sealer.header, pieces }
  }

  test('dropped, repeated, swapped, or with the final one missing', async () => {
    const kit = await createKit()
    const refusal = await post(kit, new Uint8Array(0))
    const orders = ['', 'd', 'ad', 'abd', 'acbd', 'abbcd', 'bacd', 'abc', 'abc0', 'abcdd']
    for (const order of orders) {
      const { header, pieces } = await chunked(kit, [100, 200, 100])
      const [a, b, c, d] = pieces as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
      const named: Record<string, Uint8Array> = { a, b, c, d, 0: Uint8Array.of(0) }
      const sent = joinBytes([header, ...[...order].map((name) => named[name]!)])
      expect(await post(kit, sent), order).toEqual(refusal)
    }
    const { header, pieces } = await chunked(kit, [100, 200, 100])
    expect((await post(kit, joinBytes([header, ...pieces]))).status).toBe(200)
  })

  test('a chunk of no content that is not the final one', async () => {
    const kit = await createKit()
    const sealer = await createRequestSealer(kit.backend, kit.recipient)
    await expect(sealer.sealChunk(new Uint8Array(0), false)).rejects.toThrow(TypeError)
    const refusal = await post(kit, new Uint8Array(0))
    const tagOnly = Uint8Array.of(16, ...new Uint8Array(16))
    expect(await post(kit, joinBytes([sealer.header, tagOnly]))).toEqual(refusal)
  })

  test('a chunk over the limit is refused by its length, before it is stored', async () => {
    const kit = await createKit()
    const sealer = await createRequestSealer(kit.backend, kit.recipient)
    const refusal = await post(kit, new Uint8Array(0))
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(
          pulled === 1
            ? joinBytes([sealer.header, Uint8Array.of(0xbf, 255, 255, 255)])
            : new Uint8Array(1024),
        )
        if (pulled > 500) controller.close()
      },
    })
    expect(await post(kit, endless)).toEqual(refusal)
    expect(pulled).toBeLessThan(10)
  })
})
