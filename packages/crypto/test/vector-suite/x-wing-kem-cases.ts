import type { CryptoBackend } from '../../src/public-api.ts'
import { fromHex, toHex, utf8, Writer } from '../../src/public-api.ts'
import { expectHex, type VectorCase } from './vector-case.ts'

/** draft-connolly-cfrg-xwing-kem, test vectors of the KEM by itself. */
export interface XWingKemVector {
  readonly seed: string
  readonly eseed: string
  readonly ss: string
  readonly sk: string
  readonly pk: string
  readonly ct: string
}

const SUITE = { kem: 'x-wing', aead: 'aes-256-gcm' } as const
const SUITE_ID = fromHex('48504b45647a00010002')
const EXPORT_BYTES = 32
const EMPTY = new Uint8Array(0)
const INFO = utf8('x-wing vectors')

/**
 * The shared secret cannot be reached from outside: the key schedule is done here again, step by step, up
 * to an export.
 */
export function xWingKemCases(backend: CryptoBackend, vectors: readonly XWingKemVector[]): VectorCase[] {
  return vectors.map((vector, index) => ({
    name: `X-Wing KEM vector ${index}`,
    async run() {
      const key = await backend.kem.importPrivateKey('x-wing', fromHex(vector.sk))
      expectHex(key.publicKey.bytes, vector.pk, 'public key')
      const context = await backend.hpke.setupRecipient(SUITE, key, fromHex(vector.ct), INFO)
      const expected = await exportOf(backend, fromHex(vector.ss))
      expectHex(await context.export(EMPTY, EXPORT_BYTES), toHex(expected), 'export')
      if (backend.name !== 'noble') return
      const sender = await backend.hpke.setupSender(SUITE, key.publicKey, INFO, fromHex(vector.eseed))
      expectHex(sender.enc, vector.ct, 'encapsulated key')
    },
  }))
}

/** RFC 9180 §5.1 and §5.3 over the backend's HKDF. */
async function exportOf(backend: CryptoBackend, sharedSecret: Uint8Array): Promise<Uint8Array> {
  const extract = (salt: Uint8Array, label: string, ikm: Uint8Array) =>
    backend.hkdfExtract(salt, bytes(utf8('HPKE-v1'), SUITE_ID, utf8(label), ikm))
  const expand = (prk: Uint8Array, label: string, info: Uint8Array) =>
    backend.hkdfExpand(
      prk,
      bytes(Uint8Array.of(0, EXPORT_BYTES), utf8('HPKE-v1'), SUITE_ID, utf8(label), info),
      EXPORT_BYTES,
    )
  const context = bytes(
    Uint8Array.of(0),
    await extract(EMPTY, 'psk_id_hash', EMPTY),
    await extract(EMPTY, 'info_hash', INFO),
  )
  const secret = await extract(sharedSecret, 'secret', EMPTY)
  return expand(await expand(secret, 'exp', context), 'sec', EMPTY)
}

function bytes(...parts: Uint8Array[]): Uint8Array {
  return parts.reduce((writer, part) => writer.bytes(part), new Writer()).done()
}
