import { createPrivateKey, createPublicKey, decapsulate } from 'node:crypto'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../src/node/index.ts'
import { vectorText } from './vector-suite/load-vectors.ts'

interface MlKemTest {
  readonly tcId: number
  readonly result: 'valid' | 'invalid'
  readonly seed: string
  readonly ek?: string
  readonly c: string
  readonly K: string
}

type Decapsulate = (seed: Uint8Array, ciphertext: Uint8Array) => { publicKey: Uint8Array; key: Uint8Array }

// X-Wing takes a seed of its own, so its ML-KEM half is tested by itself: the native one and noble's.
const IMPLEMENTATIONS: Readonly<Record<string, Decapsulate>> = {
  'node:crypto'(seed, ciphertext) {
    const key = createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
    const publicKey = createPublicKey(key).export({ format: 'raw-public' })
    return { publicKey, key: decapsulate(key, ciphertext) }
  },
  noble(seed, ciphertext) {
    const { publicKey, secretKey } = ml_kem768.keygen(seed)
    return { publicKey, key: ml_kem768.decapsulate(ciphertext, secretKey) }
  },
}

const file = JSON.parse(vectorText('wycheproof/mlkem_768_test.json')) as {
  testGroups: { tests: MlKemTest[] }[]
}

for (const [name, implementation] of Object.entries(IMPLEMENTATIONS)) {
  describe(`ML-KEM-768 of ${name}`, () => {
    for (const item of file.testGroups.flatMap((group) => group.tests)) {
      test(`Wycheproof ${item.tcId}, ${item.result}`, () => {
        const run = () => implementation(fromHex(item.seed), fromHex(item.c))
        if (item.result === 'invalid') {
          expect(run).toThrow()
          return
        }
        const { publicKey, key } = run()
        expect(toHex(publicKey)).toBe(item.ek)
        expect(toHex(key)).toBe(item.K)
      })
    }
  })
}
