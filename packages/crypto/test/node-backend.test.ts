import { describe, test } from 'vitest'
import { nodeBackend } from '../src/node/index.ts'
import { allCases } from './vector-suite/all-cases.ts'
import { loadVectors } from './vector-suite/load-vectors.ts'

describe('node:crypto backend', () => {
  for (const item of allCases(nodeBackend, loadVectors())) test(item.name, async () => item.run())
})
