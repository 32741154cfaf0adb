import { setTimeout } from 'node:timers/promises'
import type { Profile } from '../../packages/identity/src/index.ts'
import { type CutProxy, startCutProxy } from './cut-proxy.ts'
import { createStateFixture, type Engine, type StateFixture } from './engines.ts'
import { freePort } from './free-port.ts'
import { type IdentitySystem, setUpIdentitySystem } from './identity-system.ts'
import type { SystemServer } from './identity-system-parts.ts'
import { type ServerProcess, startServerProcess, TEST_ENV } from './server-process.ts'
import { callAdmin } from './test-server.ts'

/** One role of the identity capability: a real process, its database, and a proxy that all its calls go through. */
export interface RoleProcess extends SystemServer {
  readonly role: string
  readonly fixture: StateFixture
  /** Its identity listener, as others know it. */
  readonly identityUrl: string
  readonly proxy: CutProxy
  /** The same without the proxy. */
  readonly listenerUrl: string
  /** @throws TypeError if it does not run. */
  pid(): number
  /** Everything that its processes wrote to standard error. */
  log(): string
  /** As a crash does. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Starts it, and kills it so long afterwards, ready or not. */
  startAndKill(afterMs: number): Promise<void>
  /** Asks it to end. @returns its exit code. */
  stop(): Promise<number | null>
  /** Another process on the same database. @returns where it listens. */
  startBeside(): Promise<{ readonly process: ServerProcess; readonly url: string }>
}

export interface IdentityProcesses extends IdentitySystem<RoleProcess> {
  readonly roles: readonly RoleProcess[]
  /** One more, started as the others were. */
  startRole(env: Readonly<Record<string, string>>): Promise<RoleProcess>
}

/** Main server and IDA (and the oblivious PRF, profile `keyhaven`) as operators run them, each in its process. */
export async function startIdentityProcesses(engine: Engine, profile: Profile): Promise<IdentityProcesses> {
  const roles: RoleProcess[] = []
  const startRole = async (env: Readonly<Record<string, string>>) => {
    const role = await startRoleProcess(engine, { KEYHAVEN_IDENTITY_PROFILE: profile, ...env })
    roles.push(role)
    return role
  }
  const system = await setUpIdentitySystem(profile, startRole)
  return {
    ...system,
    ...{ roles, startRole },
    async dispose() {
      for (const role of roles) await role.dispose()
      await system.dispose()
    },
  }
}

async function startRoleProcess(
  engine: Engine,
  settings: Readonly<Record<string, string>>,
): Promise<RoleProcess> {
  const listen = `127.0.0.1:${await freePort()}`
  const proxy = await startCutProxy(Number(listen.split(':')[1]))
  const identityUrl = `http://127.0.0.1:${proxy.port}`
  const fixture = await createStateFixture(engine, {
    ...{ ...TEST_ENV, KEYHAVEN_LOG_LEVEL: 'debug', KEYHAVEN_IDENTITY_URL: identityUrl },
    ...settings,
  })
  const processes: Pick<ServerProcess, 'log'>[] = []
  const beside: ServerProcess[] = []
  let running: ServerProcess | undefined
  const launch = async (on: string, killAfterMs?: number) => {
    const process = await startServerProcess(
      { ...fixture.env, KEYHAVEN_IDENTITY_LISTEN: on },
      { killAfterMs },
    )
    processes.push(process)
    return process
  }
  const role: RoleProcess = {
    ...{ role: settings.KEYHAVEN_ROLE ?? 'main', fixture, identityUrl, proxy },
    listenerUrl: `http://${listen}`,
    admin(method, path, body, token) {
      if (running === undefined) throw new Error('it does not run')
      return callAdmin(running.adminUrl, method, path, body, token)
    },
    pid() {
      if (running === undefined) throw new TypeError('it does not run')
      return running.pid
    },
    log: () => processes.map((one) => one.log()).join(''),
    async kill() {
      const process = running
      running = undefined
      await process?.kill()
    },
    async start() {
      running = await launch(listen)
    },
    async startAndKill(afterMs) {
      try {
        const process = await launch(listen, afterMs)
        await setTimeout(afterMs)
        await process.kill()
      } catch (error) {
        processes.push({ log: () => String(error) })
      }
    },
    async stop() {
      const process = running
      running = undefined
      return process === undefined ? 0 : process.stop()
    },
    async startBeside() {
      const own = `127.0.0.1:${await freePort()}`
      const process = await launch(own)
      beside.push(process)
      return { process, url: `http://${own}` }
    },
    async dispose() {
      for (const process of beside) await process.kill()
      await role.kill()
      await proxy.stop()
      await fixture.dispose()
    },
  }
  try {
    await role.start()
    return role
  } catch (error) {
    await role.dispose()
    throw error
  }
}
