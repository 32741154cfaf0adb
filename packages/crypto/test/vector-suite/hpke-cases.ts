import type { CryptoBackend, HpkeSuite } from '../../src/public-api.ts'
import { aeadById, fromHex, kemById } from '../../src/public-api.ts'
import { expectHex, expectRefusal, type VectorCase } from './vector-case.ts'

/** One suite of the HPKE working group's files. */
export interface HpkeVector {
  readonly mode: number
  readonly kem_id: number
  readonly aead_id: number
  readonly info: string
  readonly skRm: string
  readonly pkRm: string
  readonly skEm?: string
  readonly ikmE?: string
  readonly enc: string
  readonly key: string
  readonly base_nonce: string
  readonly encryptions: readonly { aad: string; ct: string; pt: string }[]
  readonly exports: readonly { exporter_context: string; L: number; exported_value: string }[]
}

const MODE_BASE = 0

/**
 * Base mode of the KEMs and AEADs that we have: recipient always, sender where its randomness can be given.
 */
export function hpkeCases(backend: CryptoBackend, vectors: readonly HpkeVector[]): VectorCase[] {
  const cases: VectorCase[] = []
  for (const vector of vectors) {
    const kem = kemById(vector.kem_id)
    const aead = aeadById(vector.aead_id)
    if (vector.mode !== MODE_BASE || !kem || !aead) continue
    const suite = { kem, aead }
    cases.push({ name: `HPKE ${kem} ${aead}: recipient`, run: () => recipient(backend, suite, vector) })
    cases.push({ name: `HPKE ${kem} ${aead}: sender`, run: () => sender(backend, suite, vector) })
  }
  return cases
}

async function recipient(backend: CryptoBackend, suite: HpkeSuite, vector: HpkeVector): Promise<void> {
  const key = await backend.kem.importPrivateKey(suite.kem, fromHex(vector.skRm))
  expectHex(key.publicKey.bytes, vector.pkRm, 'public key of the private one')
  expectHex(await backend.kem.exportPrivateKey(key), vector.skRm, 'exported private key')
  const context = await backend.hpke.setupRecipient(suite, key, fromHex(vector.enc), fromHex(vector.info))
  for (const [sequence, message] of vector.encryptions.entries()) {
    const plaintext = await context.open(fromHex(message.ct), fromHex(message.aad))
    expectHex(plaintext, message.pt, `plaintext ${sequence}`)
  }
  await exports(context, vector)
}

async function sender(backend: CryptoBackend, suite: HpkeSuite, vector: HpkeVector): Promise<void> {
  const key = await backend.kem.importPublicKey(suite.kem, fromHex(vector.pkRm))
  const ephemeral = fromHex((suite.kem === 'x-wing' ? vector.ikmE : vector.skEm) ?? '')
  const setup = () => backend.hpke.setupSender(suite, key, fromHex(vector.info), ephemeral)
  const canGiveRandomness =
    backend.deterministicEncapsulation && !(backend.name === 'node' && suite.kem === 'x-wing')
  if (!canGiveRandomness) {
    await expectRefusal('UNSUPPORTED', 'given randomness', setup)
    return
  }
  const context = await setup()
  expectHex(context.enc, vector.enc, 'encapsulated key')
  for (const [sequence, message] of vector.encryptions.entries()) {
    const ciphertext = await context.seal(fromHex(message.pt), fromHex(message.aad))
    expectHex(ciphertext, message.ct, `ciphertext ${sequence}`)
  }
  await exports(context, vector)
}

async function exports(
  context: Pick<Awaited<ReturnType<CryptoBackend['hpke']['setupSender']>>, 'export'>,
  vector: HpkeVector,
): Promise<void> {
  for (const expected of vector.exports) {
    const value = await context.export(fromHex(expected.exporter_context), expected.L)
    expectHex(value, expected.exported_value, 'exported value')
  }
}
