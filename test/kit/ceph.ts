import { execFile, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { S3Config } from '../../packages/server/src/platform/config/config.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const START_TIMEOUT_MS = 180_000
const CHECK_EVERY_MS = 50
const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'radosgw-admin', 'rados']
/** Why there can be no Ceph here; where there can be one, a missing one is a failure. */
export const NO_CEPH =
  process.platform === 'linux' ? undefined : `Ceph is not to be had on ${process.platform}`
/** The memory that the store gives to objects. */
const STORE_BYTES = 3 * 1_024 ** 3
/** Names the key in {@link S3Config}; the gateway keeps it itself (backend `testing`). */
export const KMS_KEY = 'key-1'
/** Who is in the keyring, and what they may. */
const KEYS: Readonly<Record<string, ReadonlyArray<readonly [string, string]>>> = {
  'mon.': [['mon', 'allow *']],
  'client.admin': [
    ['mon', 'allow *'],
    ['osd', 'allow *'],
    ['mgr', 'allow *'],
  ],
  'client.rgw': [
    ['mon', 'allow *'],
    ['osd', 'allow *'],
    ['mgr', 'allow *'],
  ],
  'mgr.x': [
    ['mon', 'allow *'],
    ['osd', 'allow *'],
  ],
  'osd.0': [
    ['mon', 'allow profile osd'],
    ['osd', 'allow *'],
    ['mgr', 'allow *'],
  ],
}
const POOL = 'default.rgw.buckets.data'

/** A real Ceph object gateway: S3 with SSE-KMS. One for a whole test run, gone when its main process is. */
export interface TestCeph {
  readonly endpoint: string
  /** A user of its own with an empty bucket, and the settings for it. */
  createBucket(): Promise<S3Config>
  /** Bytes that the user may store from now on; -1: as many as there is room for. */
  setQuota(config: S3Config, bytes: number): Promise<void>
  /** Names of all that lies in the data pool, as the gateway stores it. */
  rawNames(): Promise<string[]>
  /** What lies under such a name, past the gateway. */
  rawBytes(name: string): Promise<Buffer>
  /** How the gateway has encrypted an object, and under which key, in its own words: `SSE-KMS key-1`. */
  encryptionOf(config: S3Config, object: string): Promise<string>
}

interface Cluster {
  readonly folder: string
  readonly endpoint: string
}

let started: Promise<TestCeph> | undefined

/** Starts the run's Ceph, or finds the one that another test file has started. */
export function startCeph(): Promise<TestCeph> {
  started ??= start()
  return started
}

/** The process that a cluster is for. For programs that a test starts: as `CEPH_OWNER` they share the cluster. */
export function cephOwner(): number {
  return process.env.VITEST === undefined ? process.pid : process.ppid
}

async function start(): Promise<TestCeph> {
  const missing = PROGRAMS.filter((name) => !existsSync(join('/usr/bin', name)))
  if (missing.length > 0) {
    throw new Error(
      `Ceph is not installed (${missing.join(', ')}): apt-get install radosgw ceph-mon ceph-osd ceph-mgr ceph-common`,
    )
  }
  // Test files run in processes of their own, children of one main process; what those start is told whose it is.
  const owner = Number(process.env.CEPH_OWNER) || cephOwner()
  const folder = join(tmpdir(), `keyhaven-ceph-${owner}`)
  const ready = join(folder, 'endpoint')
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
    if (Date.now() > until) throw new Error('Ceph did not start')
  }
  return inCluster({ folder, endpoint: await readFile(ready, 'utf8') })
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

function call(folder: string, program: string, words: readonly string[], binary = false) {
  return run(program, ['-c', join(folder, 'ceph.conf'), ...words], {
    encoding: binary ? 'buffer' : 'utf8',
    maxBuffer: 64 * 1_024 ** 2,
  }) as Promise<{ stdout: string | Buffer }>
}

function inCluster({ folder, endpoint }: Cluster): TestCeph {
  const admin = (...words: string[]) => call(folder, 'radosgw-admin', words)
  return {
    endpoint,
    async createBucket() {
      const user = `user-${randomBytes(4).toString('hex')}`
      const credentials = {
        accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
        secretAccessKey: randomBytes(20).toString('hex'),
      }
      const keys = [`--access-key=${credentials.accessKeyId}`, `--secret=${credentials.secretAccessKey}`]
      await admin('user', 'create', `--uid=${user}`, '--display-name=test', ...keys)
      const config: S3Config = {
        kind: 's3',
        endpoint,
        region: 'us-east-1',
        bucket: user,
        kmsKey: KMS_KEY,
        pathStyle: true,
        credentials,
      }
      const { createS3Bucket } = await import('../../packages/server/test/fixtures/create-s3-bucket.ts')
      await createS3Bucket(config)
      return config
    },
    async setQuota({ bucket }, bytes) {
      const user = `--uid=${bucket}`
      await admin('quota', 'set', '--quota-scope=user', user, `--max-size=${bytes}`)
      await admin('quota', bytes < 0 ? 'disable' : 'enable', '--quota-scope=user', user)
    },
    async encryptionOf({ bucket }, object) {
      const { stdout } = await admin('object', 'stat', `--bucket=${bucket}`, `--object=${object}`)
      const { attrs } = JSON.parse(String(stdout)) as { attrs: Readonly<Record<string, string>> }
      return `${attrs['user.rgw.crypt.mode']} ${attrs['user.rgw.crypt.keyid']}`
    },
    async rawNames() {
      const { stdout } = await call(folder, 'rados', ['-p', POOL, 'ls'])
      return String(stdout).split('\n').filter(Boolean)
    },
    async rawBytes(name) {
      return (await call(folder, 'rados', ['-p', POOL, 'get', name, '-'], true)).stdout as Buffer
    },
  }
}

/** Monitor, one object store in memory, manager, gateway. @returns the gateway's address. */
async function startCluster(folder: string, owner: number): Promise<string> {
  const [mon, monOld, rgw] = [await freePort(), await freePort(), await freePort()]
  const fsid = randomUUID()
  for (const name of ['mon', 'osd', 'mgr', 'run', 'log']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'ceph.conf'), configuration({ folder, fsid, mon, monOld, rgw }))
  const pids: number[] = []
  const keyring = join(folder, 'keyring')
  const osdId = randomUUID()
  const make = (program: string, ...words: string[]) => call(folder, program, words)
  const daemon = (program: string, ...words: string[]) => {
    const child = spawn(program, ['-c', join(folder, 'ceph.conf'), '-f', ...words], {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
    })
    child.unref()
    if (child.pid === undefined) throw new Error(`${program} cannot be started`)
    pids.push(child.pid)
  }
  for (const [name, caps] of Object.entries(KEYS)) {
    const words = caps.flatMap((cap) => ['--cap', ...cap])
    const create = existsSync(keyring) ? [] : ['--create-keyring']
    await run('ceph-authtool', [...create, keyring, '--gen-key', '-n', name, ...words])
  }
  await run('monmaptool', [
    ...['--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${mon},v1:127.0.0.1:${monOld}]`],
    join(folder, 'monmap'),
  ])
  const monitor = ['--mkfs', '-i', 'a', '--monmap', join(folder, 'monmap'), '--keyring', keyring]
  await make('ceph-mon', ...monitor)
  daemon('ceph-mon', '-i', 'a')
  try {
    await make('ceph', '--connect-timeout', '120', 'osd', 'new', osdId)
    await make('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdId)
    daemon('ceph-osd', '-i', '0')
    daemon('ceph-mgr', '-i', 'x')
    daemon('radosgw', '-n', 'client.rgw')
    await answers(`http://127.0.0.1:${rgw}`)
  } finally {
    // Outlives this test file; stops the cluster and tidies up when the run is over, however it ends.
    const stop = [...pids].reverse().map((pid) => `kill -9 ${pid}`)
    const script = `while kill -0 ${owner} 2>/dev/null; do sleep 0.5; done; ${stop.join('; ')}; rm -rf ${folder}`
    spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', cwd: '/' }).unref()
  }
  return `http://127.0.0.1:${rgw}`
}

async function answers(endpoint: string): Promise<void> {
  for (const until = Date.now() + START_TIMEOUT_MS; ; await delay(CHECK_EVERY_MS)) {
    const answer = await fetch(endpoint).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > until) throw new Error('the gateway of Ceph does not answer')
  }
}

function configuration(at: {
  folder: string
  fsid: string
  mon: number
  monOld: number
  rgw: number
}): string {
  const key = randomBytes(32).toString('base64')
  return `[global]
fsid = ${at.fsid}
mon host = [v2:127.0.0.1:${at.mon},v1:127.0.0.1:${at.monOld}]
mon initial members = a
auth allow insecure global id reclaim = false
public addr = 127.0.0.1
run dir = ${at.folder}/run
admin socket = ${at.folder}/run/$name.asok
pid file =
log file = ${at.folder}/log/$name.log
keyring = ${at.folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
[mon]
mon data = ${at.folder}/mon
[mgr]
mgr data = ${at.folder}/mgr
mgr initial modules =
[osd]
osd data = ${at.folder}/osd
osd objectstore = memstore
memstore device bytes = ${STORE_BYTES}
[client.rgw]
rgw data = ${at.folder}/run
rgw frontends = beast endpoint=127.0.0.1:${at.rgw}
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${KMS_KEY}=${key}
rgw bucket quota ttl = 0
rgw user quota sync interval = 1
`
}
