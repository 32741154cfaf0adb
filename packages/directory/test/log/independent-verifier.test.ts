import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { backend, toBase64 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import {
  consistencyProof,
  cosign,
  createLogSigner,
  createNoteSigner,
  encodeEntryBundle,
  entryTiles,
  formatVerifierKey,
  inclusionProof,
  parseNote,
  signCheckpoint,
} from '../../src/log/index.ts'
import { buildLog } from './log-kit.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/verify_log.py', import.meta.url))
const NOW = 1_800_000_000
const SIZE = 299
const ORIGIN = 'log.example/demo'

const log = await buildLog(SIZE)
const generate = async () => backend.signatures.generateKeyPair('EdDSA')
const signer = await createLogSigner(backend, ORIGIN, await generate())
const witness = await createNoteSigner(backend, 'witness.example/w1', 'cosignature', await generate())
const signed = await signCheckpoint(backend, signer, log.heads[SIZE]!, NOW)
const note = signed + (await cosign(backend, witness, parseNote(signed).text, NOW + 7))
const vkeys = [signer.checkpoint.verifier, signer.time.verifier, witness.verifier].map(formatVerifierKey)

const bundles = [...entryTiles(SIZE)].map(({ index, width }) =>
  toBase64(encodeEntryBundle(log.entries.slice(index * 256, index * 256 + width))),
)
const inclusion = await Promise.all(
  [0, 1, 127, 128, 255, 256, 297, 298].map(async (index) => {
    const proof = await inclusionProof(backend, log.nodes, index, SIZE)
    return { index, proof: proof.map(toBase64) }
  }),
)
const consistency = await Promise.all(
  [1, 2, 3, 64, 100, 255, 256, 257, 298, 299].map(async (size1) => {
    const proof = await consistencyProof(backend, log.nodes, size1, SIZE)
    return { size1, root1: toBase64(log.heads[size1]!.root), proof: proof.map(toBase64) }
  }),
)

function verify(change: object): Record<string, unknown> {
  const input = JSON.stringify({ note, vkeys, bundles, inclusion, consistency, ...change })
  return JSON.parse(execFileSync('python3', [SCRIPT], { input, encoding: 'utf8' })) as Record<string, unknown>
}

describe('a verifier written in Python from the specifications', () => {
  test('accepts our checkpoint, cosignature, bundles, inclusion and consistency proofs', () => {
    expect(verify({})).toEqual({
      origin: ORIGIN,
      size: SIZE,
      root: true,
      signatures: [
        { signed: true, time: null },
        { signed: true, time: NOW },
        { signed: true, time: NOW + 7 },
      ],
      inclusion: inclusion.map(() => true),
      consistency: consistency.map(() => true),
    })
  })

  test('and refuses them changed, so its answers mean something', () => {
    const answer = verify({
      note: note.replace(ORIGIN, 'log.example/dem0'),
      bundles: bundles.toReversed(),
      inclusion: inclusion.map(({ index, proof }) => ({ index: index ^ 1, proof })),
      consistency: consistency.map((item) => ({ ...item, root1: toBase64(log.heads[5]!.root) })),
    })
    expect(answer).toMatchObject({
      root: false,
      signatures: [false, false, false],
      consistency: consistency.map(() => false),
    })
    expect(answer.inclusion).not.toContain(true)
  })
})
