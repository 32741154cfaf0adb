import { backend } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import {
  addCheckpoint,
  addCosignatures,
  consistencyProof,
  createLogSigner,
  createNoteSigner,
  formatAddCheckpoint,
  formatVerifierKey,
  importLogTrust,
  type LogSigner,
  MAX_ADD_CHECKPOINT_CHARACTERS,
  openCheckpoint,
  parseAddCheckpoint,
  signCheckpoint,
  TLOG_SIZE_TYPE,
  type Witness,
  type WitnessAnswer,
  type WitnessedLog,
  type WitnessState,
} from '../../src/log/index.ts'
import { buildLog } from './log-kit.ts'

const NOW = 1_800_000_000
const ORIGIN = 'log.example/demo'
const log = await buildLog(40)
const fork = await buildLog(40, (at) => Uint8Array.of(at))
const generate = async () => backend.signatures.generateKeyPair('EdDSA')
const signer = await createLogSigner(backend, ORIGIN, await generate())
const cosigner = await createNoteSigner(backend, 'witness.example/w1', 'cosignature', await generate())

class MemoryWitnessState implements WitnessState {
  readonly logs = new Map<string, WitnessedLog>()
  /** Runs between what was read and what is stored. */
  between: (() => Promise<unknown>) | undefined

  async read(origin: string) {
    return this.logs.get(origin)
  }

  async compareAndSet(origin: string, expectedSize: number, next: WitnessedLog) {
    const { between } = this
    this.between = undefined
    await between?.()
    if ((this.logs.get(origin)?.size ?? 0) !== expectedSize) return false
    this.logs.set(origin, next)
    return true
  }
}

function newWitness() {
  const state = new MemoryWitnessState()
  const logs = new Map([[ORIGIN, [signer.checkpoint.verifier]]])
  const witness: Witness = { signer: cosigner, logs, state, clock: () => NOW }
  return { state, submit: (body: string) => addCheckpoint(backend, witness, body) }
}

interface Submission {
  readonly oldSize: number
  readonly size: number
  readonly of?: typeof log
  readonly by?: LogSigner
  readonly root?: Uint8Array
  readonly proof?: readonly Uint8Array[]
}

async function bodyOf({ oldSize, size, of = log, by = signer, root, proof }: Submission): Promise<string> {
  const note = await signCheckpoint(backend, by, { size, root: root ?? of.heads[size]!.root }, NOW)
  const made = proof ?? (oldSize <= size ? await consistencyProof(backend, of.nodes, oldSize, size) : [])
  return formatAddCheckpoint({ oldSize, proof: made, note })
}

function expectConflict(answer: WitnessAnswer, size: number): void {
  expect(answer).toEqual({ status: 409, contentType: TLOG_SIZE_TYPE, body: `${size}\n` })
}

describe('a witness', () => {
  test('cosigns a log that only grows; the log adds the cosignature and a client accepts it', async () => {
    const { state, submit } = newWitness()
    const keys = [formatVerifierKey(cosigner.verifier)]
    const trust = await importLogTrust(backend, {
      log: formatVerifierKey(signer.checkpoint.verifier),
      witnesses: { keys, threshold: 1 },
    })
    for (const [oldSize, size] of [
      [0, 3],
      [3, 3],
      [3, 8],
      [8, 40],
    ] as const) {
      const answer = await submit(await bodyOf({ oldSize, size }))
      expect(answer).toMatchObject({ status: 200, contentType: 'text/plain; charset=utf-8' })
      const note = await signCheckpoint(backend, signer, log.heads[size]!, NOW)
      const cosigned = await addCosignatures(backend, note, answer.body, [cosigner.verifier])
      for (const text of [cosigned, state.logs.get(ORIGIN)!.note]) {
        const opened = await openCheckpoint(backend, text, { ...trust, now: NOW })
        expect(opened).toMatchObject({ size, cosignatures: [{ name: 'witness.example/w1', timestamp: NOW }] })
      }
    }
  })

  test('starts with the empty log too', async () => {
    const { submit } = newWitness()
    expect(await submit(await bodyOf({ oldSize: 0, size: 0 }))).toMatchObject({ status: 200 })
    expect(await submit(await bodyOf({ oldSize: 0, size: 5 }))).toMatchObject({ status: 200 })
    const wrong = await bodyOf({ oldSize: 0, size: 0, root: log.heads[1]!.root })
    expect(await newWitness().submit(wrong)).toMatchObject({ status: 422 })
  })

  test('another old size: 409 with the size it knows', async () => {
    const { submit } = newWitness()
    expectConflict(await submit(await bodyOf({ oldSize: 3, size: 8 })), 0)
    await submit(await bodyOf({ oldSize: 0, size: 8 }))
    expectConflict(await submit(await bodyOf({ oldSize: 0, size: 40 })), 8)
    expectConflict(await submit(await bodyOf({ oldSize: 3, size: 5 })), 8)
    expectConflict(await submit(await bodyOf({ oldSize: 9, size: 40 })), 8)
  })

  test('a fork: 422, and nothing changes', async () => {
    const { state, submit } = newWitness()
    await submit(await bodyOf({ oldSize: 0, size: 8 }))
    const before = state.logs.get(ORIGIN)
    const proof = await consistencyProof(backend, log.nodes, 8, 40)
    for (const submission of [
      { oldSize: 8, size: 40, of: fork },
      { oldSize: 8, size: 40, of: fork, proof },
      { oldSize: 8, size: 8, of: fork },
      { oldSize: 8, size: 40, proof: [] },
      { oldSize: 8, size: 40, proof: proof.slice(1) },
      { oldSize: 8, size: 40, proof: [...proof, proof[0]!] },
      { oldSize: 8, size: 8, proof },
    ]) {
      expect(await submit(await bodyOf(submission)), JSON.stringify(submission)).toMatchObject({
        status: 422,
      })
    }
    expect(state.logs.get(ORIGIN)).toBe(before)
    const withProof = await bodyOf({ oldSize: 0, size: 8, proof })
    expect(await newWitness().submit(withProof)).toMatchObject({ status: 422 })
  })

  test('unknown log: 404; unknown or wrong signature: 403; old size over the new one: 400', async () => {
    const { submit } = newWitness()
    const elsewhere = await createLogSigner(backend, 'log.example/other', signer.checkpoint.key)
    expect(await submit(await bodyOf({ oldSize: 0, size: 3, by: elsewhere }))).toMatchObject({ status: 404 })
    const impostor = await createLogSigner(backend, ORIGIN, await generate())
    expect(await submit(await bodyOf({ oldSize: 0, size: 3, by: impostor }))).toMatchObject({ status: 403 })
    const changed = (await bodyOf({ oldSize: 0, size: 3 })).replace('\n3\n', '\n4\n')
    expect(await submit(changed)).toMatchObject({ status: 403 })
    expect(await submit(await bodyOf({ oldSize: 8, size: 3 }))).toMatchObject({ status: 400 })
  })

  test('two submissions at once: one is cosigned, the other gets 409', async () => {
    const { state, submit } = newWitness()
    await submit(await bodyOf({ oldSize: 0, size: 3 }))
    const [small, large] = [await bodyOf({ oldSize: 3, size: 8 }), await bodyOf({ oldSize: 3, size: 40 })]
    state.between = () => submit(large)
    expectConflict(await submit(small), 40)
    expect(state.logs.get(ORIGIN)?.size).toBe(40)
  })

  test('a state that fails: nothing is cosigned', async () => {
    const { state, submit } = newWitness()
    state.between = () => Promise.reject(new Error('disk full'))
    await expect(submit(await bodyOf({ oldSize: 0, size: 3 }))).rejects.toThrow('disk full')
    expect(state.logs.size).toBe(0)
  })
})

describe('the body of add-checkpoint', () => {
  test('round trip', async () => {
    const body = await bodyOf({ oldSize: 3, size: 8 })
    const parsed = parseAddCheckpoint(body)
    expect(parsed).toMatchObject({ oldSize: 3, proof: await consistencyProof(backend, log.nodes, 3, 8) })
    expect(formatAddCheckpoint(parsed)).toBe(body)
    expect(parseAddCheckpoint(await bodyOf({ oldSize: 0, size: 8 })).proof).toEqual([])
  })

  test('malformed: 400', async () => {
    const { state, submit } = newWitness()
    const good = await bodyOf({ oldSize: 3, size: 8 })
    const hash = good.split('\n')[1]!
    const bodies = [
      '',
      '\n\n',
      good.slice(4),
      good.replace('old 3', 'old 03'),
      good.replace('old 3', 'old -3'),
      good.replace('old 3', 'old  3'),
      good.replace('old 3', 'old 3 '),
      good.replace('old 3', 'Old 3'),
      good.replace('old 3', 'old 9007199254740992'),
      good.replace(hash, ''),
      good.replace(hash, hash.slice(4)),
      good.replace(hash, `${hash}AAAA`),
      good.replace(hash, Array.from({ length: 64 }, () => hash).join('\n')),
      good.slice(0, -1),
      good.replace('\n8\n', '\n08\n'),
      'x'.repeat(MAX_ADD_CHECKPOINT_CHARACTERS + 1),
    ]
    for (const body of bodies) expect(await submit(body), body.slice(0, 80)).toMatchObject({ status: 400 })
    expect(state.logs.size).toBe(0)
  })
})
