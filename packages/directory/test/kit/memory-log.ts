import { backend, type SigningKey } from '@keyhaven/crypto'
import {
  appendToPeaks,
  consistencyProof,
  createLogSigner,
  encodeLeaf,
  inclusionProof,
  type LogHead,
  type LogNode,
  type LogNodes,
  type LogParameters,
  type LogSigner,
  leafHash,
  type NodeId,
  rootOf,
  signCheckpoint,
} from '../../src/log/index.ts'
import type { LogAppender } from '../../src/service/index.ts'
import type { MemoryTransaction } from './memory-directory-store.ts'

/** An application's log in memory: real leaves, tree, proofs and checkpoints. */
export class MemoryLog implements LogAppender<MemoryTransaction>, LogNodes {
  readonly leaves: Uint8Array[] = []
  readonly signer: LogSigner
  readonly #clock: () => number
  readonly #hashes = new Map<string, Uint8Array>()
  #head: LogHead = { size: 0, peaks: [] }

  private constructor(signer: LogSigner, clock: () => number) {
    this.signer = signer
    this.#clock = clock
  }

  /** @param clock - milliseconds since the epoch. */
  static async open(parameters: LogParameters, key: SigningKey, clock: () => number): Promise<MemoryLog> {
    const log = new MemoryLog(await createLogSigner(backend, parameters.origin, key), clock)
    await log.#add(encodeLeaf(parameters)).then((commit) => commit())
    return log
  }

  async append(tx: MemoryTransaction, leaf: Uint8Array): Promise<number> {
    await tx.lock('log')
    const index = this.#head.size
    tx.writes.push(await this.#add(leaf))
    return index
  }

  async checkpoint(minimumSize: number) {
    const { size, peaks } = this.#head
    if (size < minimumSize) throw new Error('the log is shorter')
    const root = await rootOf(backend, peaks)
    const now = Math.floor(this.#clock() / 1_000)
    return { checkpoint: await signCheckpoint(backend, this.signer, { size, root }, now), size }
  }

  inclusionProof(index: number, size: number) {
    return inclusionProof(backend, this, index, size)
  }

  consistencyProof(from: number, to: number) {
    return consistencyProof(backend, this, from, to)
  }

  async parameters() {
    return this.leaves[0]!
  }

  async read(nodes: readonly NodeId[]) {
    return nodes.map(({ level, index }) => {
      const hash = this.#hashes.get(`${level}/${index}`)
      if (!hash) throw new Error(`node ${level}/${index} is not stored`)
      return hash
    })
  }

  /** @returns what makes it so. */
  async #add(leaf: Uint8Array): Promise<() => void> {
    const next = await appendToPeaks(backend, this.#head, [await leafHash(backend, leaf)])
    return () => {
      this.#head = next
      this.leaves.push(leaf)
      for (const { level, index, hash } of next.nodes as readonly LogNode[])
        this.#hashes.set(`${level}/${index}`, hash)
    }
  }
}
