import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  type DirectoryClient,
  generateDeviceKeys,
  type NewDevice,
  type SignedFetch,
} from '@keyhaven/directory'
import { appendToPeaks, encodeLeaf, leafHash } from '@keyhaven/directory/log'
import type { Caller } from '@keyhaven/directory/service'
import { Client } from 'pg'
import { createApplicationService } from '../packages/server/src/applications/application-service.ts'
import { type Directories, openDirectories } from '../packages/server/src/directory/directories.ts'
import { splitHashes, storeLeaves } from '../packages/server/src/directory/log/append-leaves.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import { createStateFixture, type Engine } from '../test/kit/engines.ts'

export const APPLICATION = 'demo'
const TEMPLATE = 'template'
const LEAVES_PER_BATCH = 10_000
const USERS_PER_BATCH = 100_000
const BUSY_MILLISECONDS = 10_000

/** The server's directory on a real database, with as many users as wanted. */
export interface GrowingDirectory {
  readonly state: State
  readonly directories: Directories
  /** Name of one of the users that {@link grow} made. */
  filler(at: number): string
  /** Leaves and rows up to so many; all but the first users are copies of one real one, under other names. */
  grow(users: number): Promise<void>
  /** Signs up a real user. */
  enroll(username: string): Promise<Enrolled>
  dispose(): Promise<void>
}

export interface Enrolled {
  readonly caller: Caller
  /** A client that remembers nothing yet, and asks as this user. */
  freshClient(fetch?: (fetch: SignedFetch) => SignedFetch): DirectoryClient
}

export async function openGrowingDirectory(engine: Engine): Promise<GrowingDirectory> {
  const fixture = await createStateFixture(engine)
  const state = await fixture.open({ schedule: false })
  await createApplicationService(state).ensureFirstStart()
  const directories = await openDirectories({ state, clock: Date.now, onError: console.error })
  await directories.ensure(APPLICATION)
  const databaseUrl = String(fixture.env.KEYHAVEN_DATABASE_URL)
  let filled = 0
  const directory: GrowingDirectory = {
    state,
    directories,
    filler: (at) => `filler-${at}`,
    async grow(users) {
      const first = await appendFillers(state, databaseUrl, users - filled)
      await copyUsers(state, databaseUrl, { from: filled, to: users, leaf: first })
      await directories.log.files.catchUp(APPLICATION)
      filled = users
    },
    enroll: (username) => enroll(directories, username),
    async dispose() {
      await directories.close()
      await fixture.dispose()
    },
  }
  await directory.enroll(TEMPLATE)
  return directory
}

/**
 * Without signing a checkpoint each time: the first one who reads it does.
 *
 * @returns position of the first leaf.
 */
async function appendFillers(state: State, databaseUrl: string, count: number): Promise<number> {
  let head = await state.db
    .selectFrom('log_heads')
    .selectAll()
    .where('application_id', '=', APPLICATION)
    .executeTakeFirstOrThrow()
  const first = head.size
  const sqlite = state.dialect === 'sqlite' ? openSqlite(databaseUrl) : undefined
  for (let left = count; left > 0; left -= LEAVES_PER_BATCH) {
    const leaves = Array.from({ length: Math.min(left, LEAVES_PER_BATCH) }, () =>
      encodeLeaf({ kind: 'entry', label: randomBytes(64), commitment: randomBytes(32) }),
    )
    const grown = await (sqlite
      ? sqlite.store(head, leaves)
      : state.db.transaction().execute((db) => storeLeaves(db, head, leaves)))
    const { size, root } = grown
    head = { ...head, size, root, peaks: Buffer.concat(grown.peaks), checkpoint: '', checkpoint_at: 0 }
  }
  sqlite?.close()
  const { application_id: _, ...change } = head
  await state.db.updateTable('log_heads').set(change).where('application_id', '=', APPLICATION).execute()
  return first
}

/** What `storeLeaves` does, by statements that are prepared once: ten times as fast. */
function openSqlite(databaseUrl: string) {
  const database = openSqliteFile(databaseUrl)
  const leafRow = database.prepare(
    'INSERT INTO log_entries (application_id, position, leaf) VALUES (?, ?, ?)',
  )
  const nodeRow = database.prepare(
    'INSERT INTO log_nodes (application_id, level, position, hash) VALUES (?, ?, ?, ?)',
  )
  return {
    async store({ size, peaks }: { size: number; peaks: Uint8Array }, leaves: readonly Uint8Array[]) {
      const hashes: Uint8Array[] = []
      for (const leaf of leaves) hashes.push(await leafHash(nodeBackend, leaf))
      const grown = await appendToPeaks(nodeBackend, { size, peaks: splitHashes(peaks) }, hashes)
      database.exec('BEGIN IMMEDIATE')
      for (const [at, leaf] of leaves.entries()) leafRow.run(APPLICATION, size + at, leaf)
      for (const { level, index, hash } of grown.nodes) nodeRow.run(APPLICATION, level, index, hash)
      database.exec('COMMIT')
      return grown
    },
    close: () => database.close(),
  }
}

interface Copies {
  readonly from: number
  readonly to: number
  /** Position of the first copy's leaf. */
  readonly leaf: number
}

/** Rows of other users: each table's columns are those of the template, but for names and places. */
async function copyUsers(state: State, databaseUrl: string, { from, to, leaf }: Copies): Promise<void> {
  const changed: Readonly<Record<string, string>> = {
    username: "'filler-' || n.i",
    device: "'filler-' || n.i",
    log_index: `n.i + ${leaf - from}`,
  }
  const tables = await state.db.introspection.getTables()
  const statements: string[] = []
  for (const table of ['directory_users', 'directory_entries', 'directory_devices']) {
    const names = tables.find(({ name }) => name === table)!.columns.map(({ name }) => name)
    const values = names.map((name) => changed[name] ?? `t.${name}`)
    for (let start = from; start < to; start += USERS_PER_BATCH) {
      const end = Math.min(to, start + USERS_PER_BATCH)
      statements.push(
        `insert into ${table} (${names})
         with recursive n(i) as (select ${start} union all select i + 1 from n where i + 1 < ${end})
         select ${values} from n, ${table} t
         where t.application_id = '${APPLICATION}' and t.username = '${TEMPLATE}'`,
      )
    }
  }
  await (state.dialect === 'sqlite' ? runOnSqlite : runOnPostgres)(databaseUrl, statements)
}

async function runOnSqlite(databaseUrl: string, statements: readonly string[]): Promise<void> {
  const database = openSqliteFile(databaseUrl)
  for (const statement of statements) database.exec(statement)
  database.close()
}

async function runOnPostgres(databaseUrl: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.query('analyze')
  await client.end()
}

function openSqliteFile(databaseUrl: string): DatabaseSync {
  return new DatabaseSync(databaseUrl.replace(/^sqlite:/, ''), { timeout: BUSY_MILLISECONDS })
}

async function enroll(directories: Directories, username: string): Promise<Enrolled> {
  const { service, keys } = await directories.open(APPLICATION)
  const generated = await generateDeviceKeys(nodeBackend, 'x25519')
  const device: NewDevice = { ...generated, name: 'bench' }
  const caller: Caller = { username, device: device.device }
  const fetch: SignedFetch = async (path, init) => {
    if (path === '/v1/directory/log/checkpoint') {
      return new Response((await directories.log.checkpoint(APPLICATION)).note)
    }
    const body = JSON.parse(String(init?.body))
    if (path === '/v1/directory/devices') return Response.json(await service.register(body, undefined))
    if (path === '/v1/directory/look-up') return Response.json(await service.lookUp(body, caller))
    throw new Error(`no route ${path}`)
  }
  const { device: id, signer, requestKey } = generated
  const client = (through: SignedFetch) =>
    createDirectoryClient({
      fetch: through,
      application: APPLICATION,
      trust: { log: keys.verifierKey },
      store: createMemoryDirectoryStore(),
      backend: nodeBackend,
      identity: { username, device: id, signer, requestKey: requestKey! },
    })
  const { token } = await service.issueSignUpToken({ username }, 'token:bench')
  await client(fetch).register(username, device, { token })
  return { caller, freshClient: (wrap = (inner) => inner) => client(wrap(fetch)) }
}
