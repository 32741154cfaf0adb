import { describe, expect, test } from 'vitest'
import type { FileStreams } from '../src/file-stream/public-api.ts'
import { nobleFileStreams } from '../src/noble/file-stream.ts'
import { nodeFileStreams } from '../src/node/file-stream.ts'
import { webFileStreams } from '../src/web/file-stream.ts'
import {
  FILE_STREAM_VECTORS,
  type FileStreamVectors,
  fileStreamCases,
} from './vector-suite/file-stream-cases.ts'
import { vectorText } from './vector-suite/load-vectors.ts'

const VECTORS = JSON.parse(vectorText(FILE_STREAM_VECTORS)) as FileStreamVectors
const BACKENDS: Readonly<Record<string, FileStreams>> = {
  node: nodeFileStreams,
  webcrypto: webFileStreams,
  noble: nobleFileStreams,
}

describe.each(Object.entries(BACKENDS))('files on %s', (_, files) => {
  const cases = fileStreamCases(files, VECTORS)
  test('all 35 vectors are run', () => {
    expect(cases.length).toBe(35)
  })
  for (const item of cases) test(item.name, async () => item.run())
})
