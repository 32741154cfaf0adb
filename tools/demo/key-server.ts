import { cp } from 'node:fs/promises'
import { startServerProcess } from '../../test/kit/server-process.ts'
import { type Answer, callAdmin } from '../../test/kit/test-server.ts'

const DIRECTORY = '/applications/demo/directory'

/** A key server in a process of its own, on a data folder that stays. */
export interface KeyServer {
  readonly publicUrl: string
  /** Of the identity capability, where it is on. */
  readonly identityUrl: string
  readonly dataDir: string
  /** What it was started with. */
  readonly settings: Readonly<Record<string, string>>
  readonly rootThumbprints: readonly string[]
  readonly pid: number
  /** Calls the admin API. @param token - of an operator; the demo's own one if left out. */
  operator(method: string, path: string, body?: unknown, token?: string): Promise<Answer>
  /** The same as the demo's own operator. @throws Error on any status but 2xx. */
  admin<T>(method: string, path: string, body?: unknown): Promise<T>
  /** @param path - under the application's directory. @throws Error on any status but 2xx. */
  directory<T>(method: string, path: string, body?: unknown): Promise<T>
  /** What an operator gives to somebody who may sign up. */
  signUpToken(username: string): Promise<string>
  /** The newest entries of the audit log with this action. */
  audit(action: string): Promise<readonly { readonly subject: string | null }[]>
  /** All that it has logged. */
  log(): string
  stop(): Promise<void>
}

/** @param settings - further `KEYHAVEN_*`. @throws Error with its log if it does not start. */
export async function startKeyServer(
  dataDir: string,
  settings: Readonly<Record<string, string>>,
): Promise<KeyServer> {
  const server = await startServerProcess({
    KEYHAVEN_DATA_DIR: dataDir,
    KEYHAVEN_LOG_LEVEL: 'trace',
    ...settings,
  })
  async function admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await callAdmin(server.adminUrl, method, path, body)
    if (answer.status >= 200 && answer.status < 300) return answer.body as T
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  const directory = <T>(method: string, path: string, body?: unknown) =>
    admin<T>(method, DIRECTORY + path, body)
  let stopped: Promise<unknown> | undefined
  return {
    publicUrl: server.publicUrl,
    identityUrl: server.identityUrl ?? '',
    dataDir,
    settings,
    pid: server.pid,
    rootThumbprints: server.defaultApplication.rootThumbprints,
    admin,
    operator: (method, path, body, token) => callAdmin(server.adminUrl, method, path, body, token),
    directory,
    async signUpToken(username) {
      return (await directory<{ token: string }>('POST', '/sign-up-tokens', { username })).token
    },
    async audit(action) {
      return (await admin<{ items: { subject: string | null }[] }>('GET', `/audit?action=${action}`)).items
    },
    log: server.log,
    async stop() {
      stopped ??= server.stop()
      await stopped
    },
  }
}

/** Everything that a server has: database, anchor, log, and the keys that they are wrapped under. */
export async function copyState(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true })
}
