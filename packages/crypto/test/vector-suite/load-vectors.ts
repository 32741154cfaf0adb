import { readFileSync } from 'node:fs'
import { VECTOR_FILES, type VectorFiles } from './all-cases.ts'

const VECTORS = new URL('../../../../vectors/', import.meta.url)

/** Text of one file of vectors/. */
export function vectorText(name: string): string {
  return readFileSync(new URL(name, VECTORS), 'utf8')
}

export function loadVectors(): VectorFiles {
  return Object.fromEntries(
    VECTOR_FILES.map((name) => [name, JSON.parse(vectorText(name))]),
  ) as unknown as VectorFiles
}
