import { backend, fromBase64, fromHex, toHex } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { webBackend } from '@keyhaven/crypto/web'
import { describe, expect, test } from 'vitest'
import { emptyRoot, nodeHash, verifyConsistency, verifyInclusion } from '../../src/log/index.ts'
import { buildLog, vectors } from './log-kit.ts'

interface Vector {
  readonly file: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}
interface InclusionVector extends Vector {
  readonly leafIdx: number
  readonly treeSize: number
  readonly root: string
  readonly leafHash: string
}
interface ConsistencyVector extends Vector {
  readonly size1: number
  readonly size2: number
  readonly root1: string | null
  readonly root2: string | null
}
interface ReferenceTree {
  readonly leaf_inputs: readonly string[]
  readonly node_hashes_level0_to_3: readonly (readonly string[])[]
  readonly root_hashes_size_1_to_8: readonly string[]
  readonly empty_root: string
}

const bytes = (text: string | null) => fromBase64(text ?? '')
const proofOf = ({ proof }: Vector) => (proof ?? []).map(bytes)

describe.each([backend, webBackend, nobleBackend])('Merkle vectors, $name', (hasher) => {
  for (const vector of vectors<InclusionVector[]>('merkle/inclusion.json')) {
    test(`${vector.file}: ${vector.wantErr ? 'refused' : 'accepted'}`, async () => {
      const verified = verifyInclusion(hasher, {
        leafHash: bytes(vector.leafHash),
        index: vector.leafIdx,
        size: vector.treeSize,
        proof: proofOf(vector),
        root: bytes(vector.root),
      })
      if (vector.wantErr) await expect(verified).rejects.toMatchObject({ code: 'PROOF_INVALID' })
      else await verified
    })
  }

  for (const vector of vectors<ConsistencyVector[]>('merkle/consistency.json')) {
    test(`${vector.file}: ${vector.wantErr ? 'refused' : 'accepted'}`, async () => {
      const verified = verifyConsistency(hasher, {
        size1: vector.size1,
        root1: bytes(vector.root1),
        size2: vector.size2,
        root2: bytes(vector.root2),
        proof: proofOf(vector),
      })
      if (vector.wantErr) await expect(verified).rejects.toMatchObject({ code: 'LOG_INCONSISTENT' })
      else await verified
    })
  }
})

describe('reference tree', () => {
  const reference = vectors<ReferenceTree>('merkle/reference-tree.json')

  test('roots at every size, and every node', async () => {
    const { heads, nodes } = await buildLog(8, (at) => fromHex(reference.leaf_inputs[at]!))
    expect(toHex(await emptyRoot(backend))).toBe(reference.empty_root)
    expect(toHex(heads[0]!.root)).toBe(reference.empty_root)
    expect(heads.slice(1).map(({ root }) => toHex(root))).toEqual(reference.root_hashes_size_1_to_8)
    for (const [level, hashes] of reference.node_hashes_level0_to_3.entries()) {
      const read = await nodes.read(hashes.map((_, index) => ({ level, index })))
      expect(read.map(toHex)).toEqual(hashes)
    }
  })

  test('a node hash is not a leaf hash', async () => {
    const [left, right] = reference.node_hashes_level0_to_3[0]!.map(fromHex)
    expect(toHex(await nodeHash(backend, left!, right!))).toBe(reference.node_hashes_level0_to_3[1]![0])
  })
})
