import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfSignedCertificate } from './self-signed-certificate.ts'
import { startServerProcess } from './server-process.ts'
import { callAdmin } from './test-server.ts'

/**
 * A key server with TLS on its public address, in a process of its own, with data that is gone afterwards.
 */
export interface TlsServer {
  /** https://127.0.0.1:PORT, with a certificate that nobody knows. */
  readonly publicUrl: string
  readonly rootThumbprints: readonly string[]
  /** @param path - under `/admin/v1`. @throws Error on any status but 2xx. */
  admin<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Sealed calls that it has opened and run so far. */
  executed(): Promise<number>
  close(): Promise<void>
}

const EXECUTED = /^keyhaven_channel_exchanges_total\{.*outcome="ok".*\} (\d+)$/gm

/** @param settings - further `KEYHAVEN_*`. */
export async function startTlsServer(settings: Readonly<Record<string, string>> = {}): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-tls-'))
  const { certificate, privateKey } = selfSignedCertificate()
  await writeFile(join(folder, 'cert.pem'), certificate)
  await writeFile(join(folder, 'key.pem'), privateKey, { mode: 0o600 })
  const server = await startServerProcess({
    KEYHAVEN_DATA_DIR: join(folder, 'data'),
    KEYHAVEN_TLS_CERT: join(folder, 'cert.pem'),
    KEYHAVEN_TLS_KEY: join(folder, 'key.pem'),
    ...settings,
  })
  return {
    publicUrl: server.publicUrl,
    rootThumbprints: server.defaultApplication.rootThumbprints,
    async admin<T>(method: string, path: string, body?: unknown) {
      const answer = await callAdmin(server.adminUrl, method, path, body)
      if (answer.status >= 200 && answer.status < 300) return answer.body as T
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}\n${server.log()}`)
    },
    async executed() {
      const text = await (await fetch(`${server.adminUrl}/metrics`)).text()
      return [...text.matchAll(EXECUTED)].reduce((sum, match) => sum + Number(match[1]), 0)
    },
    async close() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
