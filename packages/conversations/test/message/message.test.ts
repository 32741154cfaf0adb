import { fromUtf8, KeyhavenError, padmeLength, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { generateDeviceKeys } from '@keyhaven/directory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ConversationKey,
  newMessageId,
  openMessage,
  sealMessage,
  verifyMessage,
} from '../../src/index.ts'
import { decodeFrame, encodeFrame, type Message, writeSigned } from '../../src/message/frame.ts'
import { MAX_CONTENT_BYTES, MAX_PACKET_BYTES } from '../../src/message/limits.ts'
import { messageKey, openPacket, sealPacket } from '../../src/message/packet.ts'
import { BACKENDS, codeOf, newHash, newId, START, TestPeople } from '../membership/kit.ts'

const people = new TestPeople()
const { by, signer, privateJwk, recorded } = await people.device('ana')

const newKey = (over: Partial<ConversationKey> = {}): ConversationKey => ({
  application: 'demo',
  conversation: newId(),
  key: newId(),
  algorithm: 'A256GCM',
  bytes: nodeBackend.randomBytes(32),
  ...over,
})

const messageOf = (content: string | Uint8Array = 'a word', over: Partial<Message> = {}): Message => ({
  kind: 'text',
  username: 'ana',
  device: by.device,
  entry: by.entry,
  membership: { sequence: 3, head: newHash() },
  id: newMessageId(nodeBackend),
  time: START * 1_000 + 123,
  content: typeof content === 'string' ? utf8(content) : content,
  ...over,
})

describe.each(BACKENDS)('on $name', async (backend) => {
  const signingKey = await backend.signatures.importSigningKey('EdDSA', privateJwk)
  const mine = { ...signer, sign: (data: Uint8Array) => backend.signatures.sign(signingKey, data) }
  const verifyKey = structuredClone(recorded.signingKey)

  test.each(['text', 'file', 'bytes'] as const)(
    'a message of kind %s arrives as it was sent',
    async (kind) => {
      const key = newKey()
      const message = messageOf('grüße 🌍', { kind })
      const opened = await openMessage(backend, key, await sealMessage(backend, mine, key, message))
      await verifyMessage(backend, verifyKey, opened)
      expect(opened).toMatchObject({ ...message, content: expect.anything() })
      expect(fromUtf8(opened.content)).toBe('grüße 🌍')
    },
  )

  test('what one backend seals, every other opens', async () => {
    const key = newKey()
    const packet = await sealMessage(backend, mine, key, messageOf('for all'))
    for (const other of BACKENDS) {
      const opened = await openMessage(other, { ...key }, packet)
      await verifyMessage(other, structuredClone(recorded.signingKey), opened)
      expect(fromUtf8(opened.content)).toBe('for all')
    }
  })

  test('every flipped bit is refused, always as OPEN_FAILED behind the version', async () => {
    const key = newKey()
    const packet = await sealMessage(backend, mine, key, messageOf())
    for (let at = 0; at < packet.length; at++) {
      const flipped = Uint8Array.from(packet)
      flipped[at]! ^= 1 << (at % 8)
      expect(await codeOf(openMessage(backend, key, flipped)), `at ${at}`).toBe(
        at === 0 ? 'WIRE_MALFORMED' : 'OPEN_FAILED',
      )
    }
  })

  test('another application, conversation, key id or key opens nothing', async () => {
    const key = newKey()
    const packet = await sealMessage(backend, mine, key, messageOf())
    const others = [
      { application: 'other' },
      { conversation: newId() },
      { key: newId() },
      { bytes: newKey().bytes },
    ]
    for (const other of others) {
      expect(await codeOf(openMessage(backend, { ...key, ...other }, packet))).toBe('OPEN_FAILED')
    }
  })
})

describe('who sent it', () => {
  const verifyKey = recorded.signingKey

  test('a signature of another device is refused', async () => {
    const key = newKey()
    const eve = await people.device('eve')
    const packet = await sealMessage(nodeBackend, eve.signer, key, messageOf())
    const opened = await openMessage(nodeBackend, key, packet)
    expect(await codeOf(verifyMessage(nodeBackend, verifyKey, opened))).toBe('SIGNATURE_INVALID')
  })

  test('a signed message forwarded into another application, conversation or key is refused', async () => {
    const key = newKey()
    const message = messageOf('pay him')
    const { signed, bodyAt } = writeSigned(key, message)
    const frame = encodeFrame(await signer.sign(signed), signed.subarray(bodyAt))
    for (const over of [{ application: 'other' }, { conversation: newId() }, { key: newId() }]) {
      const other = newKey({ ...key, ...over })
      // A member of both re-encrypts the very frame, signature and all.
      const opened = await openMessage(nodeBackend, other, await sealPacket(nodeBackend, other, frame))
      expect(fromUtf8(opened.content)).toBe('pay him')
      expect(await codeOf(verifyMessage(nodeBackend, verifyKey, opened))).toBe('SIGNATURE_INVALID')
    }
    const same = await openMessage(nodeBackend, key, await sealPacket(nodeBackend, key, frame))
    expect(await codeOf(verifyMessage(nodeBackend, verifyKey, same))).toBe('none')
  })

  test('each thing that is signed: changed under the old signature, it is refused', async () => {
    const key = newKey()
    const message = messageOf('pay him')
    const { signed } = writeSigned(key, message)
    const signature = await signer.sign(signed)
    const changes: Partial<Message>[] = [
      { kind: 'bytes' },
      { username: 'ben' },
      { device: newId() },
      { entry: newHash() },
      { membership: { ...message.membership, sequence: 4 } },
      { membership: { ...message.membership, head: newHash() } },
      { id: newMessageId(nodeBackend) },
      { time: message.time + 1 },
      { content: utf8('pay her') },
    ]
    for (const change of changes) {
      const other = writeSigned(key, { ...message, ...change })
      const frame = encodeFrame(signature, other.signed.subarray(other.bodyAt))
      const opened = await openMessage(nodeBackend, key, await sealPacket(nodeBackend, key, frame))
      expect(opened).toMatchObject(change.content ? {} : change)
      expect(await codeOf(verifyMessage(nodeBackend, verifyKey, opened))).toBe('SIGNATURE_INVALID')
    }
  })

  test('an RSA device of today signs, a legacy one does not and is not believed', async () => {
    const key = newKey()
    const rsa = await generateDeviceKeys(nodeBackend, 'rsa3072')
    const opened = await openMessage(
      nodeBackend,
      key,
      await sealMessage(nodeBackend, rsa.signer, key, messageOf()),
    )
    await verifyMessage(nodeBackend, { algorithm: 'PS256', jwk: rsa.signer.jwk }, opened)
    const legacy = await generateDeviceKeys(nodeBackend, 'rsa1024-legacy')
    expect(await codeOf(sealMessage(nodeBackend, legacy.signer, key, messageOf()))).toBe('SUITE_REFUSED')
    const weak = { algorithm: 'RS256', jwk: legacy.signer.jwk } as const
    expect(await codeOf(verifyMessage(nodeBackend, weak, opened))).toBe('SUITE_REFUSED')
  })
})

describe('a frame has one form', () => {
  const key = newKey()
  const signature = new Uint8Array(64).fill(7)
  const bodyOf = (message: Message) => {
    const { signed, bodyAt } = writeSigned(key, message)
    return signed.subarray(bodyAt)
  }
  const padded = (bytes: Uint8Array) => {
    const frame = new Uint8Array(padmeLength(bytes.length))
    frame.set(bytes)
    return frame
  }

  test.each([0, 1, 63, 64, 1_000, 16_384, MAX_CONTENT_BYTES])(
    'of the Padmé size, with %i bytes of content',
    (length) => {
      const frame = encodeFrame(signature, bodyOf(messageOf(new Uint8Array(length))))
      expect(padmeLength(frame.length)).toBe(frame.length)
      expect(decodeFrame(key, frame).content.length).toBe(length)
    },
  )

  test('padding that is not zero, or of another length, is refused', async () => {
    const frame = encodeFrame(signature, bodyOf(messageOf(new Uint8Array(100))))
    const body = bodyOf(messageOf(new Uint8Array(100)))
    const unpadded = 2 + signature.length + body.length
    expect(frame.length).toBeGreaterThan(unpadded)
    for (let at = unpadded; at < frame.length; at++) {
      expect(await codeOf(() => decodeFrame(key, frame.with(at, 1)))).toBe('WIRE_MALFORMED')
    }
    const longer = new Uint8Array(frame.length + 1)
    longer.set(frame)
    expect(await codeOf(() => decodeFrame(key, longer))).toBe('WIRE_MALFORMED')
    expect(await codeOf(() => decodeFrame(key, frame.subarray(0, unpadded)))).toBe('WIRE_MALFORMED')
  })

  test('a length in more bytes than it needs, an unknown kind, a cut anywhere', async () => {
    const body = bodyOf(messageOf('ab'))
    const spread = new Uint8Array([0, 64, ...signature, ...body.subarray(0, -3), 0x40, 2, 97, 98])
    expect(await codeOf(() => decodeFrame(key, padded(spread)))).toBe('WIRE_MALFORMED')
    for (const kind of [0, 4, 255]) {
      const other = new Uint8Array([0, 64, ...signature, ...body])
      other[66] = kind
      expect(await codeOf(() => decodeFrame(key, padded(other)))).toBe('WIRE_MALFORMED')
    }
    const frame = encodeFrame(signature, body)
    for (let at = 0; at < frame.length; at++) {
      expect(await codeOf(() => decodeFrame(key, frame.subarray(0, at)))).toMatch(/^WIRE_/)
    }
  })

  test('limits: content, signature, packet', async () => {
    const over = messageOf(new Uint8Array(MAX_CONTENT_BYTES + 1))
    expect(await codeOf(sealMessage(nodeBackend, signer, key, over))).toBe('WIRE_TOO_LARGE')
    expect(await codeOf(() => encodeFrame(new Uint8Array(385), new Uint8Array(9)))).toBe('WIRE_TOO_LARGE')
    const longest = messageOf(new Uint8Array(MAX_CONTENT_BYTES), { username: '\u{1F600}'.repeat(128) })
    const rsa = await generateDeviceKeys(nodeBackend, 'rsa3072')
    const packet = await sealMessage(nodeBackend, rsa.signer, key, longest)
    expect(packet.length).toBe(MAX_PACKET_BYTES)
    expect((await openMessage(nodeBackend, key, packet)).content.length).toBe(MAX_CONTENT_BYTES)
  })

  test('a packet that is too long is refused before anything is derived', async () => {
    let derived = 0
    const counting = {
      ...nodeBackend,
      hkdfExtract: (...given: Parameters<typeof nodeBackend.hkdfExtract>) => {
        derived++
        return nodeBackend.hkdfExtract(...given)
      },
    }
    const long = new Uint8Array(MAX_PACKET_BYTES + 1).fill(1)
    expect(await codeOf(openPacket(counting, key, long))).toBe('WIRE_TOO_LARGE')
    for (const cut of [0, 1, 33, 48]) {
      expect(await codeOf(openPacket(counting, key, long.subarray(0, cut)))).toBe('WIRE_MALFORMED')
    }
    const unknown = { ...key, algorithm: 'A128GCM' } as unknown as ConversationKey
    expect(await codeOf(openPacket(counting, unknown, long.subarray(0, 100)))).toBe('SUITE_REFUSED')
    expect(derived).toBe(0)
  })

  test('any message comes back as it went in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3_000 }),
        fc.constantFrom('text' as const, 'file' as const, 'bytes' as const),
        fc.nat({ max: 2 ** 31 }),
        async (content, kind, time) => {
          const message = messageOf(content, { kind, time })
          const opened = await openMessage(
            nodeBackend,
            key,
            await sealMessage(nodeBackend, signer, key, message),
          )
          expect(Buffer.compare(opened.content, content)).toBe(0)
          expect([opened.kind, opened.time, opened.id]).toEqual([kind, time, message.id])
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('Padmé adds at most 12 %, never takes, and leaves its own sizes alone', () => {
  for (let length = 0; length < 70_000; length += length < 3_000 ? 1 : 17) {
    const size = padmeLength(length)
    expect(size).toBeGreaterThanOrEqual(length)
    expect(size).toBeLessThanOrEqual(Math.ceil(length * 1.12))
    expect(padmeLength(size)).toBe(size)
  }
  // Nikitin et al., figure 3: floor(log2) and its own number of bits give the step.
  expect([9, 17, 100, 1_000, 100_000].map(padmeLength)).toEqual([10, 18, 104, 1_024, 100_352])
})

test('many devices, one conversation key: no message key is ever used twice', async () => {
  const key = newKey()
  const keys = new Set<string>()
  const packets = new Set<string>()
  const frame = new Uint8Array(64)
  for (let device = 0; device < 20; device++) {
    for (let count = 0; count < 500; count++) {
      const packet = await sealPacket(nodeBackend, { ...key }, frame)
      packets.add(Buffer.from(packet).toString('base64'))
      const secret = await messageKey(nodeBackend, key, packet.subarray(1, 33))
      keys.add(Buffer.from(secret).toString('base64'))
    }
  }
  expect(keys.size).toBe(10_000)
  expect(packets.size).toBe(10_000)
})

test('100,000 mutated packets: each is refused with a code, and gives nothing away', async () => {
  const key = newKey()
  const packet = await sealMessage(nodeBackend, signer, key, messageOf('the marker 7F3A'))
  let state = 7
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const codes = new Map<string, number>()
  for (let count = 0; count < 100_000; count++) {
    let mutated = Uint8Array.from(packet)
    const kind = random(4)
    if (kind === 0) mutated = mutated.subarray(0, random(packet.length))
    else if (kind === 1) mutated = Uint8Array.from([...mutated, random(256)])
    else if (kind === 2) mutated[random(packet.length)]! ^= 1 << random(8)
    else mutated.copyWithin(random(packet.length), random(packet.length))
    if (Buffer.compare(mutated, packet) === 0) continue
    try {
      await openMessage(nodeBackend, key, mutated)
      expect.unreachable('a mutated packet opened')
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      if (error.message.includes('7F3A') || error.cause !== undefined)
        throw new Error('it gave something away')
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
    }
  }
  expect([...codes.keys()].sort()).toEqual(['OPEN_FAILED', 'WIRE_MALFORMED'])
  expect(codes.get('OPEN_FAILED')).toBeGreaterThan(60_000)
})

test('100,000 mutated frames, as a malicious member could seal them: typed errors only', () => {
  const key = newKey()
  const { signed, bodyAt } = writeSigned(key, messageOf('a word'))
  const frame = encodeFrame(new Uint8Array(64), signed.subarray(bodyAt))
  let state = 9
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  let refused = 0
  for (let count = 0; count < 100_000; count++) {
    let mutated = Uint8Array.from(frame)
    const kind = random(3)
    if (kind === 0) mutated = mutated.subarray(0, random(frame.length))
    else if (kind === 1) mutated[random(frame.length)] = random(256)
    else mutated.copyWithin(random(frame.length), random(frame.length))
    try {
      decodeFrame(key, mutated)
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(30_000)
})
