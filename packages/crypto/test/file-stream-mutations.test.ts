import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeyhavenError } from '../src/error.ts'
import { nodeFileStreams as files } from '../src/node/file-stream.ts'
import { collect, join } from './vector-suite/file-stream-cases.ts'

const MUTATED_FILES = 100_000
const CHUNK = 16_384
const SEALED_CHUNK = CHUNK + 16
const HEADER = 56
const key = new Uint8Array(32).fill(7)

/** One change that makes another file of it. */
const MUTATIONS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  bit: (bytes) => flip(bytes, randomInt(bytes.length)),
  'bit of the header': (bytes) => flip(bytes, randomInt(HEADER)),
  'bit of the end': (bytes) => flip(bytes, bytes.length - 1 - randomInt(20)),
  cut: (bytes) => bytes.subarray(0, randomInt(bytes.length)),
  'cut at a chunk': (bytes) => bytes.subarray(0, HEADER + SEALED_CHUNK * randomInt(chunksOf(bytes))),
  'cut in front': (bytes) => bytes.subarray(1 + randomInt(bytes.length - 1)),
  longer: (bytes) => join([bytes, Uint8Array.from({ length: 1 + randomInt(40) }, () => randomInt(256))]),
  'end twice': (bytes) => join([bytes, bytes.subarray(-16)]),
  'piece removed': (bytes) => {
    const at = randomInt(bytes.length)
    return join([bytes.subarray(0, at), bytes.subarray(at + 1 + randomInt(bytes.length - at))])
  },
  'piece repeated': (bytes) => {
    const at = randomInt(bytes.length)
    return join([bytes.subarray(0, at + 1), bytes.subarray(randomInt(at + 1))])
  },
}

// Small ones more often: they are quicker, and every byte of them is near a border.
const SIZES = [0, 1, 15, 16, 17, 100, 1_000, CHUNK - 1, CHUNK, CHUNK + 20]

test(`${MUTATED_FILES} mutated files: none opens, nothing comes out that was not in it`, {
  timeout: 300_000,
}, async () => {
  const originals = await Promise.all(
    SIZES.map(async (size) => {
      const plain = Uint8Array.from({ length: size }, (_, at) => at * 7)
      return { plain, sealed: await collect(files.encryptFile([plain], { key })) }
    }),
  )
  const kinds = Object.entries(MUTATIONS)
  let mutated = 0
  for (let at = 0; mutated < MUTATED_FILES; at++) {
    const { plain, sealed } = originals[at % 50 < 6 ? 6 + (at % 4) : at % 6]!
    const [kind, mutate] = kinds[Math.floor(at / 50) % kinds.length]!
    const changed = mutate(sealed)
    if (Buffer.compare(changed, sealed) === 0) continue
    mutated++
    const released = await refusedAfter(changed, kind)
    const isPrefix = Buffer.compare(released, plain.subarray(0, released.length)) === 0
    if (!isPrefix || released.length > plain.length) throw new Error(`${kind}: other bytes came out`)
    if (released.length % CHUNK !== 0) throw new Error(`${kind}: the last chunk came out`)
  }
  expect(mutated).toBe(MUTATED_FILES)
})

/** @returns what came out before the refusal. */
async function refusedAfter(sealed: Uint8Array, kind: string): Promise<Uint8Array> {
  const released: Uint8Array[] = []
  try {
    for await (const piece of files.decryptFile([sealed], { key })) released.push(piece)
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'OPEN_FAILED') return join(released)
    throw new Error(`${kind}: ${error}`, { cause: error })
  }
  throw new Error(`${kind}: it opened`)
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice()
  changed[at]! ^= 1 << randomInt(8)
  return changed
}

function chunksOf(bytes: Uint8Array): number {
  return Math.floor((bytes.length - HEADER) / SEALED_CHUNK) + 1
}
