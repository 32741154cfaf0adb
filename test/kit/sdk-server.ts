import { type ConnectOptions, connect, type EnrollOptions, type Keyhaven, type Me } from '@keyhaven/sdk'
import { createStateFixture, type Engine, type StateFixture } from './engines.ts'
import { freePort } from './free-port.ts'
import { reusedRsaKeys } from './reused-rsa-keys.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { type Answer, callAdmin } from './test-server.ts'

/** A server process with an SDK for it, and an operator's hands. */
export interface SdkServer {
  readonly fixture: StateFixture
  /** The process that runs now. */
  readonly process: ServerProcess
  /** As an app ships it. */
  readonly options: ConnectOptions & {
    readonly trust: { readonly rootThumbprints: readonly string[]; readonly log: string }
  }
  /** A connection of its own, as each device has. */
  connect(changes?: Partial<ConnectOptions>): Keyhaven
  token(username: string): Promise<string>
  /** A user's first device; its upkeep may not fail. */
  enroll(username: string, changes?: Partial<EnrollOptions>): Promise<Me>
  /** @param path - under the directory of the application. */
  operator(method: string, path: string, body?: unknown): Promise<Answer>
  /** Ends the process as a crash would, and starts another one on the same data and port. */
  restart(): Promise<void>
  /** All that the processes have logged. */
  log(): string
  dispose(): Promise<void>
}

export async function startSdkServer(
  engine: Engine,
  env: Readonly<Record<string, string>> = {},
): Promise<SdkServer> {
  const port = await freePort()
  const fixture = await createStateFixture(engine, {
    KEYHAVEN_PORT: String(port),
    KEYHAVEN_LOG_LEVEL: 'debug',
    ...env,
  })
  const failures: unknown[] = []
  let running = await startServerProcess(fixture.env)
  let earlierLog = ''
  const { id } = running.defaultApplication

  function operator(method: string, path: string, body?: unknown): Promise<Answer> {
    return callAdmin(running.adminUrl, method, `/applications/${id}/directory${path}`, body)
  }

  const { verifierKey } = (await operator('GET', '/log')).body as { verifierKey: string }
  const { rootThumbprints } = running.defaultApplication
  const options = { url: running.publicUrl, applicationId: id, trust: { rootThumbprints, log: verifierKey } }
  const backend = reusedRsaKeys()
  const open = (changes: Partial<ConnectOptions> = {}) => connect({ ...options, backend, ...changes })

  async function token(username: string): Promise<string> {
    const { status, body } = await operator('POST', '/sign-up-tokens', { username })
    if (status !== 201) throw new Error(`no sign-up token: ${status} ${JSON.stringify(body)}`)
    return (body as { token: string }).token
  }

  return {
    fixture,
    get process() {
      return running
    },
    options,
    connect: open,
    token,
    async enroll(username, changes = {}) {
      const onError = (error: unknown) => failures.push(error)
      const setup = { username, token: await token(username), onError, ...changes } as EnrollOptions
      return open().enroll(setup)
    },
    operator,
    async restart() {
      await running.kill()
      earlierLog += running.log()
      running = await startServerProcess(fixture.env)
    },
    log: () => earlierLog + running.log(),
    async dispose() {
      await running.stop()
      await fixture.dispose()
      if (failures.length > 0) throw new AggregateError(failures, 'the upkeep of a device failed')
    },
  }
}
