import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { backup } from '../src/maintenance/backup.ts'
import { recover } from '../src/maintenance/recover.ts'
import { restore } from '../src/maintenance/restore.ts'
import { TABLES } from '../src/platform/database/migrations.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import type { State } from '../src/platform/state/state.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const ACTOR = 'cli:local'
const PAIRS = ENGINES.flatMap((from) =>
  ENGINES.map((to) => ({ from, to, title: `${from.name} to ${to.name}` })),
)

async function fill(state: State, applications = 3): Promise<void> {
  for (let n = 0; n < applications; n++) {
    const applicationId = `app-${n}`
    const key = await state.keys.addE2eKey({ applicationId, suite: FAST }, BY)
    await state.keys.addE2eKey({ applicationId, suite: FAST, endAt: Date.now() + 1_000_000 }, BY)
    await state.keys.addSigningKey({ applicationId, purpose: 'root-signing' }, BY)
    await state.keys.revoke(applicationId, key.id, { reason: 'größe ✓ "quoted"\n', force: true }, BY)
    await state.transaction((transaction) => state.manifests.next(applicationId, transaction))
  }
}

async function contents(state: State): Promise<unknown> {
  const tables: Record<string, unknown> = {}
  for (const { name, backup: kept, primaryKey } of TABLES) {
    if (!kept || name === 'state_head') continue
    let query = state.db.selectFrom(name as 'state_head').selectAll()
    for (const column of primaryKey) query = query.orderBy(column as 'id')
    const rows = await query.execute()
    tables[name] = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        ]),
      ),
    )
  }
  return tables
}

describe.each(PAIRS)('a backup from $title', ({ from, to }) => {
  let source: StateFixture
  let target: StateFixture
  let file: string
  beforeEach(async () => {
    source = await createStateFixture(from)
    file = join(source.folder, 'copy.backup')
    // A new machine: the same master key, nothing else.
    target = await createStateFixture(to, { KEYHAVEN_MASTER_KEY_FILE: source.config.masterKeyFile })
  })
  afterEach(async () => {
    await source.dispose()
    await target.dispose()
  })

  test('is restored whole: every row, the audit chain, usable keys', async () => {
    const state = await source.open({ schedule: false })
    await fill(state)
    const progress: number[] = []
    const summary = await backup(source.config, { file, onProgress: (done) => progress.push(done) })
    expect(progress.at(-1)).toBe(summary.rows)
    const before = (await contents(state)) as { audit_entries: unknown[] }
    await state.close()
    const restored = await restore(target.config, { file, actor: ACTOR })
    expect(restored).toMatchObject({ rows: summary.rows, recoverNeeded: false })
    const after = await target.open({ schedule: false })
    const now = (await contents(after)) as { audit_entries: unknown[] }
    expect({ ...now, audit_entries: now.audit_entries.slice(0, -1) }).toEqual(before)
    expect(await after.audit.verify()).toMatchObject({ valid: true })
    expect((await after.audit.list({}, { limit: 1 })).items[0]).toMatchObject({
      action: 'state.restore',
      actor: ACTOR,
    })
    expect(await after.keyCache.find('app-1', 2)).toMatchObject({ privateKey: {} })
    expect(await after.keyCache.find('app-1', 1)).toMatchObject({ state: 'revoked' })
    await after.keys.addE2eKey({ applicationId: 'app-1', suite: FAST }, BY)
  })
})

describe.each(ENGINES)('a backup of $name', (engine) => {
  let fixture: StateFixture
  let file: string
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    file = join(fixture.folder, 'copy.backup')
  })
  afterEach(() => fixture.dispose())

  test('an older one does not bring a revoked key back', async () => {
    const state = await fixture.open({ schedule: false })
    const stolen = await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    await backup(fixture.config, { file })
    await state.keys.revoke('demo', stolen.id, { reason: 'stolen', force: true }, BY)
    await state.close()
    await expect(restore(fixture.config, { file, actor: ACTOR })).rejects.toMatchObject({ code: 'CONFLICT' })
    const summary = await restore(fixture.config, { file, actor: ACTOR, force: true })
    expect(summary.recoverNeeded).toBe(true)
    await expect(fixture.open()).rejects.toMatchObject({ code: 'STATE_ROLLED_BACK' })
    expect(await recover(fixture.config, { actor: ACTOR })).toMatchObject({
      revokedAgain: [{ id: stolen.id }],
    })
    const after = await fixture.open({ schedule: false })
    expect(await after.keyCache.find('demo', stolen.keyId)).toMatchObject({ state: 'revoked' })
    expect(await after.audit.verify()).toMatchObject({ valid: true })
  })

  test('is one moment, though the server goes on writing', async () => {
    const state = await fixture.open({ schedule: false })
    await fill(state, 10)
    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        await state.keys.addE2eKey({ applicationId: `new-${n}`, suite: FAST }, BY)
        await setImmediate() // SQLite answers in this very turn of the event loop
      }
    })()
    const files = [1, 2, 3].map((n) => `${file}-${n}`)
    for (const name of files) await backup(fixture.config, { file: name })
    writing = false
    await writer
    for (const name of files) {
      const lines = gunzipSync(readFileSync(name)).toString().trim().split('\n')
      const header = JSON.parse(lines[0] ?? '')
      const rows = lines.slice(1, -1).map((line) => JSON.parse(line))
      const audit = rows.filter(([table]) => table === 'audit_entries')
      const added = audit.filter(([, row]) => row.action === 'key.add').map(([, row]) => row.subject)
      const keys = rows.filter(([table]) => table === 'managed_keys').map(([, row]) => row.id)
      expect(audit.at(-1)?.[1].sequence).toBe(header.auditHead.sequence)
      expect(new Set(added)).toEqual(new Set(keys))
    }
  })

  test('overwrites no file, and is readable by its owner only', async () => {
    const state = await fixture.open({ schedule: false })
    await fill(state, 1)
    await backup(fixture.config, { file })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const before = readFileSync(file)
    await expect(backup(fixture.config, { file })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(readFileSync(file)).toEqual(before)
  })

  test('holds private keys only wrapped, and no master key', async () => {
    const state = await fixture.open({ schedule: false })
    const key = await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    const { backend } = await import('@keyhaven/crypto')
    const secret = await backend.kem.exportPrivateKey(await state.keys.importE2eKey(key))
    const master = JSON.parse(readFileSync(fixture.config.masterKeyFile, 'utf8')).keys[0].key
    await backup(fixture.config, { file })
    const text = gunzipSync(readFileSync(file)).toString()
    expect(text).toContain(key.id)
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(text).not.toContain(Buffer.from(secret).toString(form))
      expect(text).not.toContain(Buffer.from(master, 'base64url').toString(form))
    }
  })

  test('cut, changed or lengthened, it is refused, and the database stays as it was', async () => {
    const state = await fixture.open({ schedule: false })
    await fill(state, 1)
    await backup(fixture.config, { file })
    const before = await contents(state)
    await state.close()
    const bytes = readFileSync(file)
    const lines = gunzipSync(bytes).toString().split('\n')
    const zip = (changed: string[]): Buffer => gzipSync(changed.join('\n'))
    const bad: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'no gzip': Buffer.from('hello'),
      'cut gzip': bytes.subarray(0, bytes.length - 9),
      'half gzip': bytes.subarray(0, bytes.length / 2),
      'no trailer': zip([...lines.slice(0, -2), '']),
      'only a header': zip([lines[0] ?? '', '']),
      'a row less': zip([...lines.slice(0, 3), ...lines.slice(4)]),
      'a row twice': zip([...lines.slice(0, 3), lines[2] ?? '', ...lines.slice(3)]),
      'a changed row': zip(
        lines.map((line, n) => (n === 3 ? line.replace('token:test', 'token:evil') : line)),
      ),
      'a line behind': zip([...lines.slice(0, -1), lines[2] ?? '', '']),
      'no last newline': zip(lines.slice(0, -1)),
      'another format': zip([(lines[0] ?? '').replace('keyhaven-backup', 'something'), ...lines.slice(1)]),
    }
    for (const [name, content] of Object.entries(bad)) {
      writeFileSync(`${file}.bad`, content)
      await expect(
        restore(fixture.config, { file: `${file}.bad`, actor: ACTOR, force: true }),
        name,
      ).rejects.toMatchObject({
        code: 'INPUT_INVALID',
      })
    }
    await expect(restore(fixture.config, { file: `${file}.none`, actor: ACTOR })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    const after = await fixture.open({ schedule: false })
    expect(await contents(after)).toEqual(before)
  })

  test('of a newer program, or under a master key that is not here, it is refused', async () => {
    const state = await fixture.open({ schedule: false })
    await fill(state, 1)
    await backup(fixture.config, { file })
    const elsewhere = await createStateFixture(engine)
    await expect(restore(elsewhere.config, { file, actor: ACTOR })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    await expect(restore(elsewhere.config, { file, actor: ACTOR })).rejects.toThrow(/put its keyring/)
    await elsewhere.dispose()
    const { createHash } = await import('node:crypto')
    const lines = gunzipSync(readFileSync(file)).toString().split('\n')
    const head = { ...JSON.parse(lines[0] ?? ''), schema: ['9999-future'] }
    const body = [JSON.stringify(head), ...lines.slice(1, -2), ''].join('\n')
    const trailer = {
      ...JSON.parse(lines.at(-2) ?? ''),
      sha256: createHash('sha256').update(body).digest('hex'),
    }
    writeFileSync(`${file}.new`, gzipSync(`${body}${JSON.stringify(trailer)}\n`))
    await expect(restore(fixture.config, { file: `${file}.new`, actor: ACTOR, force: true })).rejects.toThrow(
      /newer/,
    )
  })

  test('can be stopped, and then leaves nothing', async () => {
    const state = await fixture.open({ schedule: false })
    await fill(state, 2)
    const stop = new AbortController()
    const stopped = backup(fixture.config, { file, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toThrow()
    const { readdirSync } = await import('node:fs')
    expect(readdirSync(fixture.folder)).toEqual(['data'])
    await backup(fixture.config, { file })
    await state.close()
    const again = new AbortController()
    const half = restore(fixture.config, {
      file,
      actor: ACTOR,
      force: true,
      signal: again.signal,
      onProgress: () => again.abort(),
    })
    await expect(half).rejects.toThrow()
    const after = await fixture.open({ schedule: false })
    expect(await after.keyCache.live('app-1')).toHaveLength(1)
  })

  test('every table is either in the backup or named as short-lived', async () => {
    const state = await fixture.open({ schedule: false })
    await state.close()
    const database = await openDatabase(fixture.config.database)
    const tables = (await database.db.introspection.getTables()).map((table) => table.name).sort()
    await database.close()
    expect(tables).toEqual(TABLES.map((table) => table.name).sort())
    expect(TABLES.filter((table) => !table.backup).map((table) => table.name)).toEqual([
      'state_changes',
      'replay_entries',
      'replay_store',
      'sessions',
      'oidc_attempts',
      'file_reads',
      'identity_oprf_orders',
      'identity_oprf_quotas',
      'identity_share_reads',
      'identity_share_nonces',
      'ida_marks',
      'ida_failures',
      'ida_otps',
    ])
  })
})

test('docs/storage-schema.md names every table and column', async () => {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(new URL('../../../docs/storage-schema.md', import.meta.url), 'utf8')
  const words = new Set(text.match(/\w+/g))
  const fixture = await createStateFixture({ name: 'SQLite', dialect: 'sqlite' })
  await (await fixture.open({ schedule: false })).close()
  const database = await openDatabase(fixture.config.database)
  const tables = await database.db.introspection.getTables()
  await database.close()
  await fixture.dispose()
  const names = tables.flatMap((table) => [table.name, ...table.columns.map((column) => column.name)])
  expect(names.filter((name) => !words.has(name))).toEqual([])
})
