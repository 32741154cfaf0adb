import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { nobleBackend } from '../src/noble/index.ts'
import { allCases } from './vector-suite/all-cases.ts'
import { loadVectors } from './vector-suite/load-vectors.ts'

// As on React Native with a polyfill: random values and nothing else.
describe('noble backend without crypto.subtle', () => {
  const { crypto } = globalThis
  beforeAll(() => {
    vi.stubGlobal('crypto', {
      getRandomValues: <T extends ArrayBufferView<ArrayBuffer>>(array: T) => crypto.getRandomValues(array),
    })
  })
  afterAll(() => {
    vi.unstubAllGlobals()
  })

  test('crypto.subtle is gone', () => {
    expect(globalThis.crypto.subtle).toBeUndefined()
  })

  for (const item of allCases(nobleBackend, loadVectors())) test(item.name, async () => item.run())
})
