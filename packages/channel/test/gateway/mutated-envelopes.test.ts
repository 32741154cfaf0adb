import { utf8 } from '@keyhaven/crypto'
import { expect, test } from 'vitest'
import type { OuterResponse } from '../../src/gateway/index.ts'
import { encodeRequest } from '../../src/wire/binary-http.ts'
import { createRequestSealer, type RequestSealer } from '../../src/wire/chunked.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { joinBytes } from '../../src/wire/join-bytes.ts'
import { CHUNKED, createKit, type Kit, makeRequest, open, seal, sealedError, WHOLE } from './gateway-kit.ts'

/** How many to try; 100,000 take about 22 s of processor time. */
const ENVELOPES = Number(process.env.SOAK_MUTATED_ENVELOPES ?? 100_000)
const SEED = 0x4b48
/** At most: twenty times what they take on an idle machine. */
const TIMEOUT_MILLISECONDS = Math.max(30 * 60_000, ENVELOPES * 5)

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

interface Sample {
  readonly type: string
  readonly bytes: Uint8Array
  readonly sealer?: RequestSealer
}

async function samples(kit: Kit): Promise<Sample[]> {
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
    { type: CHUNKED, bytes: joinBytes(pieces), sealer: several },
  ]
}

/** Status and code, then all that an onlooker sees of it: headers, and the body or (sealed) its length. */
async function describeAnswer(
  { status, headers, body }: OuterResponse,
  sealer?: RequestSealer,
): Promise<string> {
  if (!(body instanceof Uint8Array)) return 'streamed'
  const visible = (content: unknown) => JSON.stringify({ headers, content })
  if (status !== 200) {
    const text = new TextDecoder().decode(body)
    return `${status} ${JSON.parse(text).code} ${visible(text)}`
  }
  const answer = await open(sealer!, { status, headers: [], body })
  return `${status} ${sealedError(answer)} ${visible(body.length)}`
}

// An envelope in several chunks whose first ones are whole opens up to its head. The first time its handler
// begins, and fails with the body; from then on it is a replay, and that is said inside the seal.
test(`${ENVELOPES} mutated envelopes: no crash, no 5xx, one answer for each public class`, {
  timeout: TIMEOUT_MILLISECONDS,
}, async () => {
  const kit = await createKit()
  const random = createRandom(SEED)
  const originals = await samples(kit)
  const answers = new Map<string, number>()
  for (let index = 0; index < ENVELOPES; index++) {
    const { type, bytes, sealer } = originals[index % originals.length]!
    const mutation = MUTATIONS[random(MUTATIONS.length)]!
    const mutated = mutation(Uint8Array.from(bytes), random)
    if (Buffer.compare(mutated, bytes) === 0) continue
    const answer = await kit.gateway.exchange({ applicationId: 'default', contentType: type, body: mutated })
    const seen = await describeAnswer(answer, sealer)
    answers.set(seen, (answers.get(seen) ?? 0) + 1)
  }
  const classes = [...answers.keys()].map((seen) => seen.slice(0, seen.indexOf(' {'))).sort()
  // That a mutation names the revoked key is rare.
  const always = classes.filter((name) => name !== '401 KEY_REVOKED')
  expect(always).toEqual(['200 REPLAYED', '400 OPEN_FAILED', '401 KEY_UNKNOWN'])
  expect(new Set(classes).size).toBe(classes.length)
  expect(kit.seen).toHaveLength(1)
})
