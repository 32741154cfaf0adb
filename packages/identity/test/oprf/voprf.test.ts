import { readFileSync } from 'node:fs'
import { KeyhavenError } from '@keyhaven/crypto'
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import {
  blindInput,
  evaluateBlinded,
  evaluateDirectly,
  finalizeEvaluation,
  generateOprfKeyPair,
} from '../../src/oprf/voprf.ts'

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

describe('RFC 9497 appendix A.1.2, ristretto255-SHA512 in the verifiable mode', () => {
  test.each(RFC.vectors)('vector with the inputs $Input', (vector) => {
    const blinded = vector.BlindedElement.map(bytes)
    expect(evaluateBlinded(KEYS, blinded).evaluated.map(hex)).toEqual(vector.EvaluationElement)
    const inputs = vector.Input.map((input, at) => ({
      input: bytes(input),
      blind: bytes(vector.Blind[at]!),
      blinded: blinded[at]!,
    }))
    const evaluation = { evaluated: vector.EvaluationElement.map(bytes), proof: bytes(vector.Proof) }
    expect(finalizeEvaluation(inputs, KEYS.publicKey, evaluation).map(hex)).toEqual(vector.Output)
    expect(vector.Input.map((input) => hex(evaluateDirectly(KEYS.secretKey, bytes(input))))).toEqual(
      vector.Output,
    )
  })

  test('the proof of the vectors comes out of their random scalar', () => {
    for (const vector of RFC.vectors) {
      const random = (length?: number) => scalarAsRandom(bytes(vector.ProofRandomScalar), length ?? 0)
      const { proof } = ristretto255_oprf.voprf.blindEvaluateBatch(
        KEYS.secretKey,
        KEYS.publicKey,
        vector.BlindedElement.map(bytes),
        random,
      )
      expect(hex(proof)).toBe(vector.Proof)
    }
  })
})

/** Random bytes from which the library draws this scalar: it reduces modulo order − 1 and adds one. */
function scalarAsRandom(scalar: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  let value = BigInt(`0x${Buffer.from(scalar).reverse().toString('hex')}`) - 1n
  const random = new Uint8Array(length)
  for (let at = 0; at < length; at++, value >>= 8n) random[at] = Number(value & 0xffn)
  return random
}

describe('the client refuses', () => {
  const keys = generateOprfKeyPair()
  const inputs = ['one', 'two'].map((text) => blindInput(Buffer.from(text)))
  const good = evaluateBlinded(
    keys,
    inputs.map((input) => input.blinded),
  )

  test('an evaluation with another key than the one pinned', () => {
    expect(() => finalizeEvaluation(inputs, generateOprfKeyPair().publicKey, good)).toThrow(
      expect.objectContaining({ code: 'PROOF_INVALID' }),
    )
  })

  test('two answers that were swapped, one that is missing, a changed or cut proof', () => {
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
      expect(() => finalizeEvaluation(inputs, keys.publicKey, bad)).toThrow(KeyhavenError)
    }
    expect(finalizeEvaluation(inputs, keys.publicKey, good)).toHaveLength(2)
  })
})

test('the server refuses what is no element, the identity, and another length', () => {
  const keys = generateOprfKeyPair()
  for (const bad of [
    new Uint8Array(32).fill(255),
    new Uint8Array(32),
    new Uint8Array(31),
    new Uint8Array(33),
  ]) {
    expect(() => evaluateBlinded(keys, [bad])).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
  }
})

test('two blindings of one input differ and lead to one output', () => {
  const keys = generateOprfKeyPair()
  const input = Buffer.from('2345678901')
  const [a, b] = [blindInput(input), blindInput(input)]
  expect(hex(a.blinded)).not.toBe(hex(b.blinded))
  const outputs = [a, b].map((blinded) =>
    hex(finalizeEvaluation([blinded], keys.publicKey, evaluateBlinded(keys, [blinded.blinded]))[0]!),
  )
  expect(outputs[0]).toBe(outputs[1])
})
