import { ARGON2ID_COST, ARGON2ID_SALT_BYTES, argon2id, isArgon2idCost } from '@keyhaven/crypto/argon2id'
import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js'
import { expect, test } from 'vitest'
import { argon2id as elsewhere } from '../src/noble/argon2id.ts'
import { utf8 } from '../src/utf8.ts'

const KEY_BYTES = 32

test.each([
  { memoryKiB: 64, passes: 3, lanes: 4 },
  { memoryKiB: 256, passes: 1, lanes: 1 },
])(
  'argon2id at $memoryKiB KiB, $passes passes, $lanes lanes is that of noble, and the same outside Node',
  async (cost) => {
    const passphrase = utf8('correct horse battery staple')
    const salt = Uint8Array.from({ length: ARGON2ID_SALT_BYTES }, (_, at) => at)
    const options = { m: cost.memoryKiB, t: cost.passes, p: cost.lanes, dkLen: KEY_BYTES }
    const key = argon2id(passphrase, salt, cost, KEY_BYTES)
    expect(Buffer.from(key)).toEqual(Buffer.from(nobleArgon2id(passphrase, salt, options)))
    expect(Buffer.from(await elsewhere(passphrase, salt, cost, KEY_BYTES))).toEqual(Buffer.from(key))
  },
)

test('a cost is three whole numbers within bounds', () => {
  const largest = { memoryKiB: 1_048_576, passes: 16, lanes: 16 }
  for (const cost of [ARGON2ID_COST, largest, { memoryKiB: 8, passes: 1, lanes: 1 }]) {
    expect(isArgon2idCost(cost)).toBe(true)
  }
  for (const change of [
    { memoryKiB: 1_048_577 },
    { memoryKiB: 31 },
    { memoryKiB: '65536' },
    { passes: 0 },
    { passes: 17 },
    { passes: 1.5 },
    { lanes: 0 },
    { lanes: 17 },
    { lanes: undefined },
  ]) {
    expect(isArgon2idCost({ ...ARGON2ID_COST, ...change }), JSON.stringify(change)).toBe(false)
  }
})
