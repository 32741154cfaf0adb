import { readFileSync } from 'node:fs'
import { KeyhavenError } from '@keyhaven/crypto'
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { loadRistretto255 } from '../../src/oprf/ristretto255.ts'
import {
  blindInput,
  evaluateBlinded,
  evaluateDirectly,
  finalizeEvaluation,
  generateOprfKeyPair,
} from '../../src/oprf/voprf.ts'
import { proveEvaluation } from '../../src/oprf/voprf-proof.ts'

interface Vector {
  readonly Input: readonly string[]
  readonly Blind: readonly string[]
  readonly BlindedElement: readonly string[]
  readonly EvaluationElement: readonly string[]
  readonly Proof: string
  readonly ProofRandomScalar: string
  readonly Output: readonly string[]
}

const FILE = new URL('../../../../vectors/oprf/ristretto255-sha512-voprf.json', import.meta.url)
const RFC = JSON.parse(readFileSync(FILE, 'utf8')) as { skSm: string; pkSm: string; vectors: Vector[] }
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')
const KEYS = { secretKey: bytes(RFC.skSm), publicKey: bytes(RFC.pkSm) }
const TEXTS = ['one', 'two', '', '2345678901'].map((text) => new Uint8Array(Buffer.from(text)))

describe('RFC 9497 appendix A.1.2, ristretto255-SHA512 in the verifiable mode', () => {
  test.each(RFC.vectors)('vector with the inputs $Input', async (vector) => {
    const blinded = vector.BlindedElement.map(bytes)
    const { evaluated, proof } = await evaluateBlinded(KEYS, blinded)
    expect(evaluated.map(hex)).toEqual(vector.EvaluationElement)
    const inputs = vector.Input.map((input, at) => ({
      input: bytes(input),
      blind: bytes(vector.Blind[at]!),
      blinded: blinded[at]!,
    }))
    for (const proven of [proof, bytes(vector.Proof)]) {
      const outputs = await finalizeEvaluation(inputs, KEYS.publicKey, { evaluated, proof: proven })
      expect(outputs.map(hex)).toEqual(vector.Output)
    }
    const direct = vector.Input.map((input) => evaluateDirectly(KEYS.secretKey, bytes(input)))
    expect((await Promise.all(direct)).map(hex)).toEqual(vector.Output)
  })

  test.each(RFC.vectors)('blinded elements and the proof of the vector with $Input', async (vector) => {
    const group = await loadRistretto255()
    const context = 'OPRFV1-\u0001-ristretto255-SHA512'
    const blinded = vector.Input.map((input, at) =>
      group.multiply(bytes(vector.Blind[at]!), group.hashToGroup(bytes(input), context)),
    )
    expect(blinded.map(hex)).toEqual(vector.BlindedElement)
    const evaluated = vector.EvaluationElement.map(bytes)
    const statement = { publicKey: KEYS.publicKey, blinded, evaluated }
    const proof = proveEvaluation(group, KEYS.secretKey, statement, bytes(vector.ProofRandomScalar))
    expect(hex(proof)).toBe(vector.Proof)
  })
})

describe('with another implementation, @noble/curves', () => {
  const { oprf, voprf } = ristretto255_oprf

  test('its client takes what our server says', async () => {
    const keys = await generateOprfKeyPair()
    const items = TEXTS.map((input) => ({ input, ...voprf.blind(input) }))
    const { evaluated, proof } = await evaluateBlinded(
      keys,
      items.map(({ blinded }) => blinded),
    )
    const outputs = voprf.finalizeBatch(
      items.map((item, at) => ({ ...item, evaluated: evaluated[at]! })),
      keys.publicKey,
      proof,
    )
    const direct = await Promise.all(TEXTS.map((input) => evaluateDirectly(keys.secretKey, input)))
    expect(outputs.map(hex)).toEqual(direct.map(hex))
  })

  test('our client takes what its server says', async () => {
    const keys = voprf.generateKeyPair()
    const inputs = await Promise.all(TEXTS.map(blindInput))
    const answer = voprf.blindEvaluateBatch(
      keys.secretKey,
      keys.publicKey,
      inputs.map(({ blinded }) => blinded),
    )
    const outputs = await finalizeEvaluation(inputs, keys.publicKey, answer)
    // Without its proof: the mode’s context is in the blinding only.
    const direct = inputs.map(({ input, blind, blinded }) =>
      oprf.finalize(input, blind, oprf.blindEvaluate(keys.secretKey, blinded)),
    )
    expect(outputs.map(hex)).toEqual(direct.map(hex))
  })
})

describe('the client refuses', async () => {
  const keys = await generateOprfKeyPair()
  const inputs = await Promise.all(['one', 'two'].map((text) => blindInput(Buffer.from(text))))
  const good = await evaluateBlinded(
    keys,
    inputs.map((input) => input.blinded),
  )

  test('an evaluation with another key than the one pinned', async () => {
    const { publicKey } = await generateOprfKeyPair()
    await expect(finalizeEvaluation(inputs, publicKey, good)).rejects.toMatchObject({ code: 'PROOF_INVALID' })
  })

  test('two answers that were swapped, one that is missing, a changed or cut proof', async () => {
    const [one, two] = good.evaluated as [Uint8Array, Uint8Array]
    const flipped = good.proof.slice()
    flipped[40]! ^= 1
    for (const bad of [
      { ...good, evaluated: [two, one] },
      { ...good, evaluated: [one] },
      { ...good, proof: flipped },
      { ...good, proof: good.proof.subarray(1) },
      { ...good, evaluated: [one, new Uint8Array(32)] },
    ]) {
      await expect(finalizeEvaluation(inputs, keys.publicKey, bad)).rejects.toThrow(KeyhavenError)
    }
    expect(await finalizeEvaluation(inputs, keys.publicKey, good)).toHaveLength(2)
  })

  test('a proof whose scalar is written in another way: the order added', async () => {
    const order = (1n << 252n) + 27_742_317_777_372_353_535_851_937_790_883_648_493n
    const scalars = [0, 32].map((at) => fromLittleEndian(good.proof.subarray(at, at + 32)))
    for (const [at, scalar] of scalars.entries()) {
      const proof = good.proof.slice()
      proof.set(littleEndian(scalar + order), at * 32)
      await expect(finalizeEvaluation(inputs, keys.publicKey, { ...good, proof })).rejects.toMatchObject({
        code: 'PROOF_INVALID',
      })
    }
  })
})

function fromLittleEndian(value: Uint8Array): bigint {
  return BigInt(`0x${hex(value.slice().reverse())}`)
}

function littleEndian(value: bigint): Uint8Array {
  return bytes(value.toString(16).padStart(64, '0')).reverse()
}

test('the server refuses what is no element, the identity, and another length', async () => {
  const keys = await generateOprfKeyPair()
  for (const bad of [
    new Uint8Array(32).fill(255),
    new Uint8Array(32),
    new Uint8Array(31),
    new Uint8Array(33),
  ]) {
    await expect(evaluateBlinded(keys, [bad])).rejects.toMatchObject({ code: 'WIRE_MALFORMED' })
  }
})

test('two blindings of one input differ and lead to one output', async () => {
  const keys = await generateOprfKeyPair()
  const input = Buffer.from('2345678901')
  const [a, b] = await Promise.all([blindInput(input), blindInput(input)])
  expect(hex(a.blinded)).not.toBe(hex(b.blinded))
  const outputs: string[] = []
  for (const blinded of [a, b]) {
    const answer = await evaluateBlinded(keys, [blinded.blinded])
    outputs.push(hex((await finalizeEvaluation([blinded], keys.publicKey, answer))[0]!))
  }
  expect(outputs[0]).toBe(outputs[1])
})
