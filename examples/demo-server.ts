import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, startGateway, startServer } from '@keyhaven/server'

/**
 * What the examples start instead of `npm start`: a key server on free ports, with data that is gone
 * afterwards.
 */
export interface DemoServer {
  readonly url: string
  readonly applicationId: string
  readonly rootThumbprints: readonly string[]
  /** Verifier key of the directory's log, as `keyhaven directory log` shows it. */
  logKey(): Promise<string>
  /** A token with which a user enrolls the first device, as an operator hands it out. */
  signUpToken(username: string): Promise<string>
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

  async function operator(path: string, body?: object): Promise<Record<string, string>> {
    const token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim()
    const answer = await fetch(`${server.adminUrl}/admin/v1/applications/${id}/directory/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return (await answer.json()) as Record<string, string>
  }

  return {
    url: server.publicUrl,
    applicationId: id,
    rootThumbprints,
    logKey: async () => (await operator('log')).verifierKey!,
    signUpToken: async (username) => (await operator('sign-up-tokens', { username })).token!,
    async close() {
      await server.close()
      await rm(dataDir, { recursive: true })
    },
  }
}
