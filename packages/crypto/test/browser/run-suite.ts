import { backend, fromHex, type KemName } from '@keyhaven/crypto'
import { allCases, VECTOR_FILES, type VectorFiles } from '../vector-suite/all-cases.ts'

/** What the page tells the test: every case's name, and why it failed if it did. */
export interface SuiteReport {
  readonly backend: string
  readonly cases: readonly { readonly name: string; readonly failure?: string }[]
}

/** Runs the vector suite in the page, on the backend that the bundler chose for it. */
export async function runSuite(): Promise<SuiteReport> {
  const entries = VECTOR_FILES.map(async (name) => [name, await (await fetch(`/vectors/${name}`)).json()])
  const files = Object.fromEntries(await Promise.all(entries)) as VectorFiles
  const cases: { name: string; failure?: string }[] = []
  for (const item of allCases(backend, files)) {
    try {
      await item.run()
      cases.push({ name: item.name })
    } catch (error) {
      cases.push({ name: item.name, failure: String(error) })
    }
  }
  return { backend: backend.name, cases }
}

/** What a client does: seals to a known key. */
export async function sealOnce(kem: KemName, publicKey: string): Promise<number> {
  const suite = { kem, aead: 'aes-256-gcm' } as const
  const key = await backend.kem.importPublicKey(kem, fromHex(publicKey))
  const sender = await backend.hpke.setupSender(suite, key, new Uint8Array(0))
  return (await sender.seal(new Uint8Array(1), new Uint8Array(0))).length
}
