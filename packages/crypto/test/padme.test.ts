import fc from 'fast-check'
import { expect, test } from 'vitest'
import { padmeLength } from '../src/padme.ts'

const MAX_LENGTH = 2 ** 40

test.each([
  [0, 0],
  [1, 1],
  [8, 8],
  [9, 10],
  [100, 104],
  [1000, 1024],
  [1025, 1088],
  [65_537, 67_584],
  [50_000_000, 50_331_648],
])('%i bytes become %i', (length, padded) => {
  expect(padmeLength(length)).toBe(padded)
})

test('adds at most 12 %, never takes away, and pads a padded length to itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_LENGTH }), (length) => {
      const padded = padmeLength(length)
      expect(padded).toBeGreaterThanOrEqual(length)
      expect(padded).toBeLessThanOrEqual(length * 1.12)
      expect(padmeLength(padded)).toBe(padded)
    }),
  )
})

test('grows with the length', () => {
  let last = 0
  for (let length = 0; length < 5000; length++) {
    const padded = padmeLength(length)
    expect(padded).toBeGreaterThanOrEqual(last)
    last = padded
  }
})
