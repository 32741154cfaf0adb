import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const START_TIMEOUT_MS = 180_000
const START_SECONDS = String(START_TIMEOUT_MS / 1_000)
const CHECK_EVERY_MS = 50
const SUPERUSER = 'app'
const MAX_CONNECTIONS = 300
/** Tests kill our processes, never PostgreSQL or the machine: what it has written need not reach the disk. */
const UNSYNCED = '-c fsync=off -c full_page_writes=off'

/** A real PostgreSQL, started once for a whole test run and stopped when the run's main process is gone. */
export interface TestPostgres {
  /** A database of its own: nothing in it but what is in `template`, nobody else in it. */
  createDatabase(template?: string): Promise<{ url: string; drop(): Promise<void> }>
  /** The cluster's maintenance database. */
  readonly adminUrl: string
  /** Runs a statement there, as superuser. */
  query(statement: string): Promise<void>
}

let started: Promise<TestPostgres> | undefined

/** Starts the run's PostgreSQL, or finds the one that another test file has started. */
export function startPostgres(): Promise<TestPostgres> {
  started ??= start()
  return started
}

async function start(): Promise<TestPostgres> {
  // Test files run in processes of their own, children of one main process.
  const owner = process.env.VITEST === undefined ? process.pid : process.ppid
  const folder = join(tmpdir(), `keyhaven-postgres-${owner}`)
  const ready = join(folder, 'url')
  if (await isFirst(folder)) {
    try {
      await writeFile(`${ready}.new`, await startCluster(folder, owner))
      await rename(`${ready}.new`, ready)
    } catch (error) {
      await writeFile(join(folder, 'failed'), String(error))
      throw error
    }
  }
  for (const until = Date.now() + START_TIMEOUT_MS; !existsSync(ready); await delay(CHECK_EVERY_MS)) {
    if (existsSync(join(folder, 'failed'))) throw new Error(await readFile(join(folder, 'failed'), 'utf8'))
    if (Date.now() > until) throw new Error('PostgreSQL did not start')
  }
  const adminUrl = await readFile(ready, 'utf8')
  return {
    adminUrl,
    createDatabase: (template) => createDatabase(adminUrl, template),
    query: (statement) => query(adminUrl, statement),
  }
}

async function isFirst(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A cluster of its own, whose files cannot grow beyond a size: for tests of a full disk. */
export interface LimitedPostgres extends TestPostgres {
  /** From now on there is room. */
  liftLimit(): Promise<void>
  /** What it has logged. */
  log(): Promise<string>
}

/**
 * A limit on the size of files (RLIMIT_FSIZE) makes write(2) fall short as a full disk does: PostgreSQL
 * answers `disk_full` (53100). It is stopped when the process that asked for it is gone.
 *
 * @param fileKilobytes - no multiple of 8, a page of PostgreSQL: a write that does not fit at all has another
 *   error. Its own tables need 2 MB.
 */
export async function startLimitedPostgres(fileKilobytes: number): Promise<LimitedPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-postgres-limited-'))
  // Segments of the write-ahead log have to fit, too.
  const cluster = await makeCluster(folder, process.pid, ['--wal-segsize=1'])
  const limit = ['bash', '-c', `ulimit -f ${fileKilobytes}; exec "$@"`, 'limited']
  await cluster.start(limit)
  return {
    adminUrl: cluster.adminUrl,
    createDatabase: (template) => createDatabase(cluster.adminUrl, template),
    query: (statement) => query(cluster.adminUrl, statement),
    async liftLimit() {
      await cluster.stop()
      await cluster.start()
    },
    log: () => readFile(join(folder, 'log'), 'utf8'),
  }
}

async function startCluster(folder: string, owner: number): Promise<string> {
  const cluster = await makeCluster(folder, owner)
  await cluster.start()
  return cluster.adminUrl
}

/** @param owner - id of the process without which it is stopped. */
async function makeCluster(folder: string, owner: number, options: readonly string[] = []) {
  const programs = await findPrograms()
  const password = randomBytes(12).toString('hex')
  const port = await freePort()
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  // PostgreSQL refuses to run as root.
  const asRoot = process.getuid?.() === 0
  const prefix = asRoot ? ['runuser', '-u', 'postgres', '--'] : []
  if (asRoot) {
    const [uid, gid] = await Promise.all([numericId('-u'), numericId('-g')])
    await Promise.all([folder, passwordFile].map((path) => chown(path, uid, gid)))
  }
  const call = (program: string, parameters: readonly string[], within: readonly string[] = []) => {
    const [command = '', ...rest] = [...prefix, ...within, join(programs, program), ...parameters]
    return run(command, rest, { cwd: folder })
  }
  const access = ['-A', 'scram-sha-256', '-U', SUPERUSER, `--pwfile=${passwordFile}`]
  await call('initdb', ['-D', data, ...access, '--locale=C', '-E', 'UTF8', ...options])
  // Outlives this test file; stops the cluster and tidies up when the run is over, however it ends.
  const stop = [...prefix, join(programs, 'pg_ctl'), '-D', data, '-m', 'immediate', 'stop'].join(' ')
  const script = `while kill -0 ${owner} 2>/dev/null; do sleep 0.5; done; ${stop}; rm -rf ${folder}`
  spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', cwd: '/' }).unref()
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c max_connections=${MAX_CONNECTIONS} ${UNSYNCED}`
  return {
    adminUrl: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`,
    start: (within?: readonly string[]) =>
      call(
        'pg_ctl',
        ['-D', data, '-o', settings, '-l', join(folder, 'log'), '-w', '-t', START_SECONDS, 'start'],
        within,
      ),
    stop: () => call('pg_ctl', ['-D', data, '-m', 'fast', '-w', 'stop']),
  }
}

async function createDatabase(
  adminUrl: string,
  template = 'template1',
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await query(adminUrl, `create database ${name} template ${template}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => query(adminUrl, `drop database if exists ${name} with (force)`) }
}

async function query(url: string, statement: string): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function findPrograms(): Promise<string> {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? (await readdir(debian)).sort((a, b) => Number(b) - Number(a)) : []
  const candidates = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  const found = candidates.find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl')),
  )
  if (found === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  return found
}

async function numericId(flag: string): Promise<number> {
  return Number((await run('id', [flag, 'postgres'])).stdout)
}
