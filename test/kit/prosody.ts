import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
export const XMPP_PASSWORD = 'correct horse'
export const XMPP_DOMAIN = 'localhost'
export const ROOMS_DOMAIN = 'rooms.localhost'

/** A real Prosody with archive, carbons, stream management, offline messages and rooms. */
export interface TestProsody {
  readonly port: number
  /** For `service` of `@xmpp/client`. */
  readonly service: string
  /** All that the server has stored, as it lies in its files. */
  stored(): Promise<string>
  stop(): Promise<void>
}

/** @param accounts - local parts; everybody has {@link XMPP_PASSWORD}. */
export async function startProsody(accounts: readonly string[]): Promise<TestProsody> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-prosody-'))
  const data = join(folder, 'data')
  const config = join(folder, 'prosody.cfg.lua')
  await mkdir(data)
  await writeFile(config, configuration({ folder, data, port }))
  const user = await prosodyUser()
  if (user) await Promise.all([folder, data, config].map((path) => chown(path, user.uid, user.gid)))
  const options = { cwd: folder, ...user }
  for (const account of accounts) {
    const words = ['--config', config, 'register', account, XMPP_DOMAIN, XMPP_PASSWORD]
    await run('prosodyctl', words, options).catch((error: unknown) => {
      throw new Error('Prosody is not installed: apt-get install prosody lua-unbound', { cause: error })
    })
  }
  const child = spawn('prosody', ['--config', config, '-F'], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  await new Promise<void>((resolve, reject) => {
    let output = ''
    child.once('error', () =>
      reject(new Error('Prosody is not installed: apt-get install prosody lua-unbound')),
    )
    child.once('exit', () => reject(new Error(`Prosody did not start: ${output}`)))
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk)
        if (output.includes("Activated service 'c2s'")) resolve()
      })
    }
  })
  return {
    port,
    service: `xmpp://127.0.0.1:${port}`,
    stored: () => readTree(data),
    stop: async () => {
      process.off('exit', kill)
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * In clear on 127.0.0.1, so that tests can cut connections and forge stanzas; what is tested lies above TLS.
 */
function configuration({ folder, data, port }: { folder: string; data: string; port: number }): string {
  return `
pidfile = "${folder}/prosody.pid"
data_path = "${data}"
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
c2s_require_encryption = false
modules_enabled = { "roster", "saslauth", "disco", "mam", "carbons", "smacks", "offline", "pep", "posix" }
modules_disabled = { "s2s", "tls" }
authentication = "internal_hashed"
default_iteration_count = 4096
storage = "internal"
archive_expires_after = "never"
smacks_max_ack_delay = 1
VirtualHost "${XMPP_DOMAIN}"
Component "${ROOMS_DOMAIN}" "muc"
  modules_enabled = { "muc_mam" }
`
}

/** It refuses to run as root. @returns undefined if this process is not root. */
async function prosodyUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'prosody'])).stdout)),
  )
  return { uid: uid!, gid: gid! }
}

async function readTree(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n')
}
