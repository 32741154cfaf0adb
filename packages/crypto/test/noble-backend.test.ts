import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nobleBackend } from '../src/noble/index.ts'
import { allCases } from './vector-suite/all-cases.ts'
import { loadVectors } from './vector-suite/load-vectors.ts'

// As on React Native with a polyfill: random values and nothing else.
describe('noble backend without crypto.subtle', () => {
  const { crypto } = globalThis
  const found = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!
  beforeAll(() => {
    const polyfill = {
      getRandomValues: <T extends ArrayBufferView<ArrayBuffer>>(array: T) => crypto.getRandomValues(array),
    }
    Object.defineProperty(globalThis, 'crypto', { configurable: true, value: polyfill })
  })
  afterAll(() => {
    Object.defineProperty(globalThis, 'crypto', found)
  })

  test('crypto.subtle is gone', () => {
    expect(globalThis.crypto.subtle).toBeUndefined()
  })

  for (const item of allCases(nobleBackend, loadVectors())) test(item.name, async () => item.run())
})
