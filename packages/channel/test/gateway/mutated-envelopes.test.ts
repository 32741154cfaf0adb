import { utf8 } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import { encodeRequest } from '../../src/wire/binary-http.ts'
import { createRequestSealer } from '../../src/wire/chunked.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { CHUNKED, createKit, type Kit, makeRequest, seal, WHOLE } from './gateway-kit.ts'

/** How many to try; 100,000 take about a minute on a free core. */
const ENVELOPES = Number(process.env.KEYHAVEN_TEST_MUTATED_ENVELOPES ?? 20_000)
const SEED = 0x4b48
const TIMEOUT_MILLISECONDS = 30 * 60_000

/** Mulberry32: the same envelopes are mutated in the same way in each run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Mutation = (bytes: Uint8Array, random: (below: number) => number) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    bytes[random(bytes.length)]! ^= 1 << random(8)
    return bytes
  },
  function setByte(bytes, random) {
    bytes[random(bytes.length)] = random(256)
    return bytes
  },
  function setHeaderByte(bytes, random) {
    bytes[random(7)] = random(256)
    return bytes
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random(bytes.length))
  },
  function append(bytes, random) {
    return joinBytes([bytes, Uint8Array.from({ length: 1 + random(40) }, () => random(256))])
  },
  function remove(bytes, random) {
    const at = random(bytes.length)
    return joinBytes([bytes.subarray(0, at), bytes.subarray(at + 1 + random(20))])
  },
  function insert(bytes, random) {
    const at = random(bytes.length)
    return joinBytes([
      bytes.subarray(0, at),
      Uint8Array.from({ length: 1 + random(8) }, () => random(256)),
      bytes.subarray(at),
    ])
  },
  function noise(bytes, random) {
    const from = random(bytes.length)
    for (let at = from; at < Math.min(bytes.length, from + 64); at++) bytes[at] = random(256)
    return bytes
  },
]

async function samples(kit: Kit): Promise<{ type: string; bytes: Uint8Array }[]> {
  const request = () => encodeRequest(makeRequest({ body: utf8('x'.repeat(150)) }, kit.now))
  const one = await seal(kit)
  const whole = await sealRequest(kit.backend, kit.recipient, request())
  const several = await createRequestSealer(kit.backend, kit.recipient)
  const bytes = request()
  const pieces = [several.header]
  for (let at = 0; at < bytes.length; at += 150) {
    pieces.push(await several.sealChunk(bytes.subarray(at, at + 150), at + 150 >= bytes.length))
  }
  return [
    { type: CHUNKED, bytes: one.envelope },
    { type: WHOLE, bytes: whole.encapsulated },
    { type: CHUNKED, bytes: joinBytes(pieces) },
  ]
}

test(`${ENVELOPES} mutated envelopes: no crash, no 5xx, one answer for each public class`, {
  timeout: TIMEOUT_MILLISECONDS,
}, async () => {
  const kit = await createKit()
  const random = createRandom(SEED)
  const originals = await samples(kit)
  const answers = new Map<string, number>()
  for (let index = 0; index < ENVELOPES; index++) {
    const { type, bytes } = originals[index % originals.length]!
    const mutation = MUTATIONS[random(MUTATIONS.length)]!
    const mutated = mutation(Uint8Array.from(bytes), random)
    if (Buffer.compare(mutated, bytes) === 0) continue
    const answer = await kit.gateway.exchange({ applicationId: 'default', contentType: type, body: mutated })
    // What was opened up to its head and then failed is answered in clear too, so no answer is sealed.
    const text = answer.body instanceof Uint8Array ? new TextDecoder().decode(answer.body) : 'streamed'
    const seen = JSON.stringify([answer.status, answer.headers, text])
    answers.set(seen, (answers.get(seen) ?? 0) + 1)
  }
  const statuses = [...answers.keys()].map((seen) => [
    JSON.parse(seen)[0],
    JSON.parse(JSON.parse(seen)[2]).code,
  ])
  expect(statuses.sort()).toEqual([
    [400, 'OPEN_FAILED'],
    [401, 'KEY_REVOKED'],
    [401, 'KEY_UNKNOWN'],
  ])
})
