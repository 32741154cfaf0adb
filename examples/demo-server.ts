import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, startGateway, startServer } from '@keyhaven/server'

/** What the examples start instead of `npm start`: a key server on free ports, with data that is gone afterwards. */
export interface DemoServer {
  readonly url: string
  readonly applicationId: string
  readonly rootThumbprints: readonly string[]
  close(): Promise<void>
}

/** @param upstream - origin of a backend that gets the opened requests, as `keyhaven gateway --upstream`. */
export async function startDemoServer(upstream?: string): Promise<DemoServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'keyhaven-example-'))
  const config = loadConfig({
    KEYHAVEN_PORT: '0',
    KEYHAVEN_ADMIN_LISTEN: '127.0.0.1:0',
    KEYHAVEN_DATA_DIR: dataDir,
    KEYHAVEN_LOG_LEVEL: 'silent',
    KEYHAVEN_UPSTREAMS: upstream,
  })
  const server = await (upstream === undefined ? startServer(config) : startGateway(config))
  const { id, rootThumbprints } = server.defaultApplication!
  return {
    url: server.publicUrl,
    applicationId: id,
    rootThumbprints,
    async close() {
      await server.close()
      await rm(dataDir, { recursive: true })
    },
  }
}
