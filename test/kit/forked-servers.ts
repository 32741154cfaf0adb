import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type MessagingStore, memoryStore } from '@keyhaven/messaging'
import { connect, type Me } from '@keyhaven/sdk'
import { createStateFixture, ENGINES } from './engines.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { type Answer, callAdmin } from './test-server.ts'

/** Nothing that was looked up is relied on: each message asks the directory. */
const ASKING = { messages: { lookUpSeconds: 0 } }

/** Who can be met again at another server. */
export interface Person {
  readonly username: string
  readonly store: MessagingStore
}

interface Trust {
  readonly rootThumbprints: readonly string[]
  readonly log: string
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
}

/**
 * Servers in folders that can be copied while nothing runs: two copies, both started, are one log that goes
 * on as two, each of them signed with the same keys. Real processes, real devices.
 */
export interface ForkedServers {
  /** As an app ships it, without witnesses. */
  readonly trust: Trust
  /** The one that has been started first, in `data`. */
  readonly main: ServerProcess
  /** @param folder - with everything that a server has: database, keys, anchor, log files. */
  start(folder: string, env?: Readonly<Record<string, string>>): Promise<ServerProcess>
  /** Ends every server, and closes every device. */
  stop(): Promise<void>
  copy(from: string, to: string): Promise<void>
  remove(folder: string): Promise<void>
  enroll(server: ServerProcess, username: string, trust?: Trust): Promise<Me & Person>
  /** The same device as before, at another server. */
  resume(person: Person, server: ServerProcess, trust?: Trust): Promise<Me>
  /** @param path - under the directory of the application. */
  operator(server: ServerProcess, method: string, path: string, body?: unknown): Promise<Answer>
  dispose(): Promise<void>
}

export async function startForkable(): Promise<ForkedServers> {
  const fixture = await createStateFixture(ENGINES[0]!)
  const running: ServerProcess[] = []
  const open: Me[] = []
  const at = (folder: string) => join(fixture.folder, folder)

  async function start(folder: string, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const server = await startServerProcess({
      KEYHAVEN_DATA_DIR: at(folder),
      KEYHAVEN_DATABASE_URL: `sqlite:${join(at(folder), 'keyhaven.db')}`,
      ...env,
    })
    running.push(server)
    return server
  }

  const main = await start('data')
  const { id: applicationId, rootThumbprints } = main.defaultApplication
  const operator: ForkedServers['operator'] = ({ adminUrl }, method, path, body) =>
    callAdmin(adminUrl, method, `/applications/${applicationId}/directory${path}`, body)
  const log = (await operator(main, 'GET', '/log')).body.verifierKey as string
  const trust: Trust = { rootThumbprints, log }
  const connected = ({ publicUrl }: ServerProcess, trusted = trust) =>
    connect({ url: publicUrl, applicationId, trust: trusted })

  return {
    trust,
    main,
    start,
    async stop() {
      for (const me of open.splice(0)) await me.close()
      for (const server of running.splice(0)) await server.stop()
    },
    copy: (from, to) => cp(at(from), at(to), { recursive: true }),
    remove: (folder) => rm(at(folder), { recursive: true }),
    async enroll(server, username, trusted) {
      const { token } = (await operator(server, 'POST', '/sign-up-tokens', { username })).body
      const store = memoryStore()
      const setup = { username, token, store, profile: 'x25519', ...ASKING } as const
      const me = await connected(server, trusted).enroll(setup)
      open.push(me)
      return { ...me, username, store }
    },
    async resume({ store }, server, trusted) {
      const me = (await connected(server, trusted).resume({ store, ...ASKING }))!
      open.push(me)
      return me
    },
    operator,
    async dispose() {
      for (const me of open) await me.close()
      for (const server of running) await server.kill()
      await fixture.dispose()
    },
  }
}
