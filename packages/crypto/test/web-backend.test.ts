import { describe, test } from 'vitest'
import { webBackend } from '../src/web/index.ts'
import { allCases } from './vector-suite/all-cases.ts'
import { loadVectors } from './vector-suite/load-vectors.ts'

describe("WebCrypto backend on Node's WebCrypto", () => {
  for (const item of allCases(webBackend, loadVectors())) test(item.name, async () => item.run())
})
