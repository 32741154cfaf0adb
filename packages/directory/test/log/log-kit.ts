import { readFileSync } from 'node:fs'
import { backend, utf8 } from '@keyhaven/crypto'
import {
  type AppendedLog,
  appendToPeaks,
  type LogNode,
  type LogNodes,
  leafHash,
  type NodeId,
} from '../../src/log/index.ts'

const VECTORS = new URL('../../../../vectors/', import.meta.url)

/** One file of vectors/, parsed. */
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, VECTORS), 'utf8')) as T
}

/** Nodes in memory, by level and index, as a database keeps them. */
export class MemoryLogNodes implements LogNodes {
  readonly #hashes = new Map<string, Uint8Array>()
  /** Reads made, and nodes read. */
  readonly counts = { reads: 0, nodes: 0 }

  store(nodes: readonly LogNode[]): void {
    for (const { level, index, hash } of nodes) this.#hashes.set(`${level}/${index}`, hash)
  }

  async read(nodes: readonly NodeId[]): Promise<readonly Uint8Array[]> {
    this.counts.reads += 1
    this.counts.nodes += nodes.length
    return nodes.map(({ level, index }) => {
      const hash = this.#hashes.get(`${level}/${index}`)
      if (!hash) throw new Error(`node ${level}/${index} is not stored`)
      return hash
    })
  }
}

/** A log in memory. `heads[n]` is the log when it had n entries. */
export interface TestLog {
  readonly nodes: MemoryLogNodes
  readonly entries: readonly Uint8Array[]
  readonly heads: readonly AppendedLog[]
}

/** A log of `size` entries, `entry 0`, `entry 1`, …, appended one by one. */
export async function buildLog(size: number, entry = (at: number) => utf8(`entry ${at}`)): Promise<TestLog> {
  const nodes = new MemoryLogNodes()
  const entries = Array.from({ length: size }, (_, at) => entry(at))
  const heads = [await appendToPeaks(backend, { size: 0, peaks: [] }, [])]
  for (const bytes of entries) {
    const head = await appendToPeaks(backend, heads.at(-1)!, [await leafHash(backend, bytes)])
    nodes.store(head.nodes)
    heads.push(head)
  }
  return { nodes, entries, heads }
}
