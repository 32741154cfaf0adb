import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import {
  drawPoolIndex,
  firstIndexOf,
  generationOf,
  MAX_POOL_INDEX,
  POOL_KEYS,
  parsePoolIndex,
} from '../../src/vault/pool-index.ts'

describe('the number of a pool key', () => {
  test('a generation takes new numbers: 10,000 × generation + n', () => {
    expect([0, 1, 7].map(firstIndexOf)).toEqual([0, 10_000, 70_000])
    expect([0, 9_999, 10_000, 70_001].map(generationOf)).toEqual([0, 0, 1, 7])
    for (const wrong of [-1, 0.5, Number.NaN, Math.ceil(MAX_POOL_INDEX / POOL_KEYS)]) {
      expect(() => firstIndexOf(wrong)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    }
  })

  test('is drawn uniformly: every number of the generation by as many random values, all others drawn again', () => {
    const drawn = new Uint16Array(POOL_KEYS)
    let again = 0
    for (let value = 0; value < 0x1_0000; value++) {
      let calls = 0
      const randomBytes = () => {
        calls++
        return calls === 1 ? Uint8Array.of(value >> 8, value & 0xff) : Uint8Array.of(0, 0)
      }
      const index = drawPoolIndex({ randomBytes }, 3)
      if (calls > 1) again++
      else drawn[index - 30_000]! += 1
    }
    expect(new Set(drawn)).toEqual(new Set([6]))
    expect(again).toBe(0x1_0000 - 6 * POOL_KEYS)
    const some = Array.from({ length: 50 }, () => drawPoolIndex(backend, 0))
    expect(new Set(some).size).toBeGreaterThan(40)
  })

  test('is read as it is written, and in no other spelling', () => {
    expect(['0', '7', '9999', String(MAX_POOL_INDEX)].map(parsePoolIndex)).toEqual([
      0,
      7,
      9_999,
      MAX_POOL_INDEX,
    ])
    for (const wrong of [
      '',
      '007',
      '-1',
      '1.0',
      '1e3',
      ' 1',
      '0x1',
      String(MAX_POOL_INDEX + 1),
      '99999999999',
    ]) {
      expect(() => parsePoolIndex(wrong)).toThrow(expect.objectContaining({ code: 'WIRE_MALFORMED' }))
    }
  })
})
