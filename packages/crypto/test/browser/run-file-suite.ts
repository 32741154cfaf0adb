import * as files from '@keyhaven/crypto/file-stream'
import {
  FILE_STREAM_VECTORS,
  type FileStreamVectors,
  fileStreamCases,
} from '../vector-suite/file-stream-cases.ts'

/** Runs the vectors of files in the page. @returns how many passed; those that failed, and why. */
export async function runFileSuite(): Promise<{ passed: number; failures: string[] }> {
  const vectors = (await (await fetch(`/vectors/${FILE_STREAM_VECTORS}`)).json()) as FileStreamVectors
  const failures: string[] = []
  let passed = 0
  for (const item of fileStreamCases(files, vectors)) {
    try {
      await item.run()
      passed++
    } catch (error) {
      failures.push(`${item.name}: ${error}`)
    }
  }
  return { passed, failures }
}
