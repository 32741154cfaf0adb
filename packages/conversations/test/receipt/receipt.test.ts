import { KeyhavenError, utf8 } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { decodeLeaf, emptyRoot, leafHash, verifyInclusion } from '@keyhaven/directory/log'
import { describe, expect, test } from 'vitest'
import { type Commitment, decodeReceipt, encodeReceipt, verifyCommitment } from '../../src/index.ts'
import { commitBatch, MAX_BATCH_ITEMS, readCommitment } from '../../src/receipt/commitment.ts'
import { buildTree, rootOfProof } from '../../src/receipt/small-tree.ts'
import { APPLICATION, BACKENDS, codeOf, newHash, newId, START } from '../membership/kit.ts'

const receipt = {
  application: APPLICATION,
  conversation: newId(),
  sequence: 7,
  kind: 'key' as const,
  object: newId(),
  to: { username: 'ben', device: newId() },
  rule: 'member',
  at: START,
}

describe('a receipt', () => {
  test('has exact bytes', () => {
    const bytes = encodeReceipt(receipt)
    const { application, conversation, object, to } = receipt
    expect(Buffer.from(bytes).toString()).toBe(
      `{"v":1,"application":"${application}","conversation":"${conversation}","sequence":7,"kind":"key",` +
        `"object":"${object}","to":{"username":"ben","device":"${to.device}"},"rule":"member","at":${START}}`,
    )
    expect(decodeReceipt(bytes)).toEqual({ v: 1, ...receipt })
    const shuffled = Object.fromEntries(Object.entries(receipt).reverse()) as unknown as typeof receipt
    expect(encodeReceipt(shuffled), 'whatever the order it was given in').toEqual(bytes)
  })

  test('of an export names its operators', () => {
    const exported = {
      ...receipt,
      kind: 'export' as const,
      to: { operators: ['token:a', 'oidc:b'] },
      rule: 'export',
    }
    expect(decodeReceipt(encodeReceipt(exported))).toEqual({ v: 1, ...exported })
  })

  test.each([
    ['another kind', { kind: 'look' }],
    ['an export to a device', { kind: 'export' }],
    ['a key for operators', { to: { operators: ['a', 'b'] } }],
    ['one operator twice', { kind: 'export', to: { operators: ['a', 'a'] } }],
    ['no operator', { kind: 'export', to: { operators: [] } }],
    ['an empty rule', { rule: '' }],
    ['half a letter', { rule: '\ud800' }],
    ['a member more', { extra: 1 }],
    ['an object that is no id', { object: 'x' }],
  ])('with %s is refused', async (_, over) => {
    const bad = { ...receipt, ...over } as typeof receipt
    expect(await codeOf(() => encodeReceipt(bad))).toBe('WIRE_MALFORMED')
    expect(await codeOf(() => decodeReceipt(utf8(JSON.stringify({ v: 1, ...bad }))))).toBe('WIRE_MALFORMED')
  })

  test('has one form: every cut and every flipped bit is refused, or is another receipt', async () => {
    const bytes = encodeReceipt(receipt)
    for (let at = 0; at < bytes.length; at++) {
      expect(await codeOf(() => decodeReceipt(bytes.subarray(0, at)))).toBe('WIRE_MALFORMED')
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(bytes)
        flipped[at]! ^= 1 << bit
        try {
          expect(decodeReceipt(flipped)).not.toEqual({ v: 1, ...receipt })
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
        }
      }
    }
    expect(await codeOf(() => decodeReceipt(new Uint8Array(8_193)))).toBe('WIRE_TOO_LARGE')
  })
})

/** A log that has other leaves around the batch's: index 5 of 9. */
async function logWith(leaf: Uint8Array) {
  const leaves = Array.from({ length: 9 }, (_, at) => (at === 5 ? leaf : utf8(`other ${at}`)))
  const tree = await buildTree(nodeBackend, leaves)
  return { size: 9, root: tree.root, proof: tree.proof(5) }
}

describe('one leaf for a batch', () => {
  test.each(BACKENDS)('proves each item of 1 to 20 on $name', async (backend) => {
    for (let count = 1; count <= 20; count++) {
      const items = Array.from({ length: count }, (_, at) => utf8(`item ${at}`))
      const { leaf, commitments } = await commitBatch(backend, items)
      expect(leaf.length).toBe(34)
      expect(decodeLeaf(leaf).kind).toBe('commitment')
      const log = await logWith(leaf)
      for (const [at, item] of items.entries()) {
        const commitment = readCommitment({ ...commitments[at]!, logIndex: 5 })
        expect(await codeOf(verifyCommitment(backend, item, commitment, log))).toBe('none')
      }
    }
  })

  test('proves nothing else: another item, opening, place, size, proof, leaf or log', async () => {
    const items = Array.from({ length: 11 }, (_, at) => utf8(`item ${at}`))
    const { leaf, commitments } = await commitBatch(nodeBackend, items)
    const log = await logWith(leaf)
    const commitment: Commitment = { ...commitments[4]!, logIndex: 5 }
    const check = (item: Uint8Array, over: Partial<Commitment> = {}, other = {}) =>
      codeOf(verifyCommitment(nodeBackend, item, { ...commitment, ...over }, { ...log, ...other }))
    expect(await check(items[4]!)).toBe('none')
    expect(await check(items[5]!)).toBe('PROOF_INVALID')
    const { batchProof } = commitment
    const overs: Partial<Commitment>[] = [
      { opening: newHash() },
      { opening: 'AA' },
      { batchIndex: 5 },
      { batchIndex: -1 },
      { batchSize: 20 },
      { batchSize: 4 },
      { batchSize: Number.NaN },
      { batchProof: batchProof.slice(1) },
      { batchProof: [...batchProof, newHash()] },
      { batchProof: batchProof.with(1, newHash()) },
      { batchProof: batchProof.with(1, '!') },
      { logIndex: 4 },
      { logIndex: 9 },
    ]
    for (const over of overs) expect(await check(items[4]!, over), JSON.stringify(over)).toBe('PROOF_INVALID')
    expect(await check(items[4]!, {}, { size: 8 })).toBe('PROOF_INVALID')
    expect(await check(items[4]!, {}, { root: await emptyRoot(nodeBackend) })).toBe('PROOF_INVALID')
    expect(await check(items[4]!, {}, { proof: log.proof.toReversed() })).toBe('PROOF_INVALID')
  })

  test('hides what is in it and how much', async () => {
    const one = await commitBatch(nodeBackend, [utf8('item')])
    const again = await commitBatch(nodeBackend, [utf8('item')])
    const many = await commitBatch(nodeBackend, Array(1_000).fill(utf8('item')))
    expect(one.leaf).not.toEqual(again.leaf)
    expect(many.leaf.length).toBe(one.leaf.length)
    expect(new Set(many.commitments.map(({ opening }) => opening)).size).toBe(1_000)
  })

  test('has a limit, and is never empty', async () => {
    await expect(commitBatch(nodeBackend, [])).rejects.toThrow(TypeError)
    await expect(commitBatch(nodeBackend, Array(MAX_BATCH_ITEMS + 1).fill(utf8('')))).rejects.toThrow(
      TypeError,
    )
  })

  test.each([
    ['opening', { opening: 'AA' }],
    ['index', { batchIndex: 1.5 }],
    ['size', { batchSize: MAX_BATCH_ITEMS + 1 }],
    ['proof', { batchProof: Array(64).fill(newHash()) }],
    ['place in the log', { logIndex: -1 }],
  ])('is read strictly: %s', async (_, over) => {
    const { commitments } = await commitBatch(nodeBackend, [utf8('item')])
    expect(await codeOf(() => readCommitment({ ...commitments[0], logIndex: 0, ...over }))).toBe(
      'WIRE_MALFORMED',
    )
  })
})

test('the tree of a batch is the tree of the log (RFC 6962 §2.1), for every size to 70', async () => {
  for (let size = 1; size <= 70; size++) {
    const leaves = Array.from({ length: size }, (_, at) => utf8(`leaf ${at}`))
    const tree = await buildTree(nodeBackend, leaves)
    for (const [index, leaf] of leaves.entries()) {
      const hash = await leafHash(nodeBackend, leaf)
      const proof = tree.proof(index)
      await verifyInclusion(nodeBackend, { leafHash: hash, index, size, proof, root: tree.root })
      expect(await rootOfProof(nodeBackend, hash, { index, size }, proof)).toEqual(tree.root)
    }
  }
})
