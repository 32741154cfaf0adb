import { backend, type ErrorCode } from '@keyhaven/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  appendToPeaks,
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  peakNodes,
  rootAtSize,
  verifyConsistency,
  verifyInclusion,
} from '../../src/log/index.ts'
import { buildLog, MemoryLogNodes } from './log-kit.ts'

const MAX_SIZE = 300
const log = await buildLog(MAX_SIZE)
const hashOf = async (index: number) => leafHash(backend, log.entries[index]!)
const rootOfSize = (size: number) => log.heads[size]!.root

async function inclusionClaim(index: number, size: number) {
  const proof = await inclusionProof(backend, log.nodes, index, size)
  return { leafHash: await hashOf(index), index, size, proof, root: rootOfSize(size) }
}

async function consistencyClaim(size1: number, size2: number) {
  const proof = await consistencyProof(backend, log.nodes, size1, size2)
  return { size1, root1: rootOfSize(size1), size2, root2: rootOfSize(size2), proof }
}

/** Every proof that differs from the given one by one fault. */
function* faultyProofs(proof: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  const extra = new Uint8Array(32).fill(9)
  for (const [at, hash] of proof.entries()) {
    for (const bit of [0, 131, 255]) {
      const flipped = Uint8Array.from(hash)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      yield proof.with(at, flipped)
    }
    yield proof.with(at, hash.subarray(1))
    yield proof.with(at, Uint8Array.of(...hash, 0))
    yield proof.toSpliced(at, 1)
    yield proof.toSpliced(at, 0, hash)
    if (at > 0) yield proof.with(at, proof[at - 1]!).with(at - 1, hash)
  }
  yield [extra, ...proof]
  yield [...proof, extra]
  yield [...proof, new Uint8Array(0)]
  yield [...proof, ...Array.from({ length: 64 }, () => extra)]
}

async function expectRefused(claim: Promise<void>, code: ErrorCode, what: string): Promise<void> {
  await expect(claim, what).rejects.toMatchObject({ code })
}

const sizes = fc.integer({ min: 1, max: MAX_SIZE })

describe('inclusion', () => {
  test('of each entry at each size up to 40', async () => {
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++)
        await verifyInclusion(backend, await inclusionClaim(index, size))
    }
  })

  test('at random sizes; no other entry, index or root', async () => {
    const property = fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
      const [index, other] = [a % size, b % size]
      const claim = await inclusionClaim(index, size)
      await verifyInclusion(backend, claim)
      await expectRefused(
        verifyInclusion(backend, { ...claim, index: size }),
        'PROOF_INVALID',
        'beyond the end',
      )
      if (other === index) return
      const refused = [{ index: other }, { leafHash: await hashOf(other) }, { root: rootOfSize(other) }]
      for (const change of refused) {
        const what = `${index} of ${size}, ${Object.keys(change)}: ${other}`
        await expectRefused(verifyInclusion(backend, { ...claim, ...change }), 'PROOF_INVALID', what)
      }
    })
    await fc.assert(property, { numRuns: 200 })
  })

  test('every proof with one fault is refused', async () => {
    for (const size of [1, 2, 3, 7, 8, 100, 257]) {
      for (const index of new Set([0, Math.floor(size / 3), size - 1])) {
        const claim = await inclusionClaim(index, size)
        for (const proof of faultyProofs(claim.proof)) {
          await expectRefused(
            verifyInclusion(backend, { ...claim, proof }),
            'PROOF_INVALID',
            `${index} of ${size}`,
          )
        }
      }
    }
  })

  test('a path longer than the tree is high is refused, even with a root made for it', async () => {
    const claim = await inclusionClaim(3, 7)
    const extra = new Uint8Array(32).fill(9)
    const proof = [...claim.proof, extra]
    for (const root of [
      await nodeHash(backend, extra, claim.root),
      await nodeHash(backend, claim.root, extra),
    ]) {
      await expectRefused(verifyInclusion(backend, { ...claim, proof, root }), 'PROOF_INVALID', 'too long')
    }
  })

  test('numbers that are no index or size are refused', async () => {
    const claim = await inclusionClaim(3, 7)
    for (const number of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      for (const change of [{ index: number }, { size: number }]) {
        await expectRefused(verifyInclusion(backend, { ...claim, ...change }), 'PROOF_INVALID', `${number}`)
      }
    }
    const swapped = { ...claim, index: claim.size, size: claim.index }
    await expectRefused(verifyInclusion(backend, swapped), 'PROOF_INVALID', 'swapped')
    await expect(inclusionProof(backend, log.nodes, 7, 7)).rejects.toThrow(TypeError)
  })
})

describe('consistency', () => {
  test('between all sizes up to 40, the empty log included', async () => {
    for (let size2 = 0; size2 <= 40; size2++) {
      for (let size1 = 0; size1 <= size2; size1++) {
        await verifyConsistency(backend, await consistencyClaim(size1, size2))
      }
    }
  })

  test('at random sizes; not with a root changed or the sizes swapped', async () => {
    const property = fc.asyncProperty(sizes, sizes, sizes, async (a, b, other) => {
      const [size1, size2] = [Math.min(a, b), Math.max(a, b)]
      const claim = await consistencyClaim(size1, size2)
      await verifyConsistency(backend, claim)
      const what = `${size1} to ${size2}, other ${other}`
      const refuse = (change: object) =>
        expectRefused(verifyConsistency(backend, { ...claim, ...change }), 'LOG_INCONSISTENT', what)
      if (other !== size1) await refuse({ root1: rootOfSize(other) })
      if (other !== size2) await refuse({ root2: rootOfSize(other) })
      if (size1 === size2) return
      await refuse({ size1: size2, size2: size1 })
      await refuse({ size1: size2, size2: size1, root1: claim.root2, root2: claim.root1 })
      await refuse({ root1: claim.root2, root2: claim.root1 })
    })
    await fc.assert(property, { numRuns: 200 })
  })

  test('every proof with one fault is refused', async () => {
    const pairs = [
      [1, 1],
      [1, 2],
      [2, 3],
      [3, 7],
      [4, 7],
      [6, 8],
      [8, 100],
      [99, 100],
      [255, 257],
    ] as const
    for (const [size1, size2] of [...pairs, [0, 5] as const]) {
      const claim = await consistencyClaim(size1, size2)
      for (const proof of faultyProofs(claim.proof)) {
        const verified = verifyConsistency(backend, { ...claim, proof })
        await expectRefused(verified, 'LOG_INCONSISTENT', `${size1} to ${size2}`)
      }
    }
  })

  test('a fork is refused, whatever proof it brings', async () => {
    const fork = await buildLog(40, (at) => Uint8Array.of(at === 20 ? 99 : at))
    const honest = await buildLog(40, (at) => Uint8Array.of(at))
    for (const size1 of [21, 32, 33]) {
      const proof = await consistencyProof(backend, fork.nodes, size1, 40)
      const claim = { size1, size2: 40, root1: honest.heads[size1]!.root, root2: fork.heads[40]!.root, proof }
      await expectRefused(verifyConsistency(backend, claim), 'LOG_INCONSISTENT', `from ${size1}`)
    }
  })

  test('numbers that are no size are refused', async () => {
    const claim = await consistencyClaim(3, 7)
    for (const number of [-1, 0.5, Number.NaN, 2 ** 53]) {
      for (const change of [{ size1: number }, { size2: number }]) {
        await expectRefused(
          verifyConsistency(backend, { ...claim, ...change }),
          'LOG_INCONSISTENT',
          `${number}`,
        )
      }
    }
    await expect(consistencyProof(backend, log.nodes, 8, 7)).rejects.toThrow(TypeError)
  })
})

describe('append', () => {
  test('in groups gives the same nodes, peaks and roots as one by one', async () => {
    const groups = fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(groups, async (lengths) => {
        const nodes = new MemoryLogNodes()
        let head = log.heads[0]!
        for (const length of lengths) {
          const end = Math.min(head.size + length, MAX_SIZE)
          const hashes = await Promise.all(
            log.entries.slice(head.size, end).map((entry) => leafHash(backend, entry)),
          )
          head = await appendToPeaks(backend, head, hashes)
          nodes.store(head.nodes)
        }
        const { size, peaks, root } = head
        expect({ peaks, root }).toEqual({ peaks: log.heads[size]!.peaks, root: rootOfSize(size) })
        expect(await nodes.read(peakNodes(size))).toEqual(peaks)
        expect(await rootAtSize(backend, nodes, size)).toEqual(root)
      }),
      { numRuns: 50 },
    )
  })

  test('stores each node once, fewer than two for each entry', () => {
    const stored = log.heads.flatMap(({ nodes }) => nodes.map(({ level, index }) => `${level}/${index}`))
    expect(new Set(stored).size).toBe(stored.length)
    expect(stored.length).toBeLessThan(2 * MAX_SIZE)
  })

  test('refuses peaks of another size, and a log beyond 2^53 - 1', async () => {
    const { peaks } = log.heads[7]!
    await expect(appendToPeaks(backend, { size: 8, peaks }, [])).rejects.toThrow(TypeError)
    const full = {
      size: Number.MAX_SAFE_INTEGER,
      peaks: Array.from({ length: 53 }, () => new Uint8Array(32)),
    }
    await expect(appendToPeaks(backend, full, [new Uint8Array(32)])).rejects.toThrow(TypeError)
  })

  test('of a log of more than 2^32 entries keeps its places', async () => {
    const size = 2 ** 40 + 3
    const peaks = peakNodes(size).map(({ level }) => new Uint8Array(32).fill(level))
    expect(peakNodes(size)).toEqual([
      { level: 40, index: 0 },
      { level: 1, index: 2 ** 39 },
      { level: 0, index: 2 ** 40 + 2 },
    ])
    const leaf = new Uint8Array(32).fill(77)
    const next = await appendToPeaks(backend, { size, peaks }, [leaf])
    const places = next.nodes.map(({ level, index }) => [level, index])
    expect(places).toEqual([
      [0, 2 ** 40 + 3],
      [1, 2 ** 39 + 1],
      [2, 2 ** 38],
    ])
    const nodes = new MemoryLogNodes()
    nodes.store([...peakNodes(size).map((node, at) => ({ ...node, hash: peaks[at]! })), ...next.nodes])
    const proof = await inclusionProof(backend, nodes, size, size + 1)
    await verifyInclusion(backend, { leafHash: leaf, index: size, size: size + 1, proof, root: next.root })
    const root1 = await rootAtSize(backend, nodes, size)
    const path = await consistencyProof(backend, nodes, size, size + 1)
    await verifyConsistency(backend, { size1: size, root1, size2: size + 1, root2: next.root, proof: path })
  })
})

test('a proof is one read of about as many nodes as the size has bits', async () => {
  for (const [index, size] of [
    [0, 300],
    [299, 300],
    [123, 257],
  ] as const) {
    const before = { ...log.nodes.counts }
    await inclusionProof(backend, log.nodes, index, size)
    expect(log.nodes.counts.reads - before.reads).toBe(1)
    expect(log.nodes.counts.nodes - before.nodes).toBeLessThanOrEqual(2 * 9)
  }
})
