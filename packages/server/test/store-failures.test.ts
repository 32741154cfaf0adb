import { execFile } from 'node:child_process'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { openState } from '../src/platform/state/open-state.ts'
import type { State } from '../src/platform/state/state.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }
/** Room for the empty tables and the journal of their making, and for some rows. */
const FILE_KILOBYTES = 3_000
const run = promisify(execFile)

describe('a full disk under SQLite', () => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture({ name: 'SQLite', dialect: 'sqlite' })
  })
  afterEach(() => fixture.dispose())

  // A limit on the size of files (RLIMIT_FSIZE) makes write(2) fail as a full disk does.
  test('is STORE_UNAVAILABLE; what was acknowledged is there, what failed is not, and it goes on afterwards', async () => {
    const script = new URL('fixtures/fill-disk.ts', import.meta.url).pathname
    const { stdout } = await run(
      'bash',
      ['-c', `ulimit -f ${FILE_KILOBYTES}; trap '' XFSZ; exec "${process.execPath}" "${script}"`],
      {
        env: { ...process.env, ...fixture.env },
        maxBuffer: 1e7,
      },
    )
    const lines = stdout.trim().split('\n')
    const added = lines.filter((line) => line.startsWith('added ')).map((line) => line.slice('added '.length))
    expect(added.length).toBeGreaterThan(0)
    expect(lines.filter((line) => line === 'failed STORE_UNAVAILABLE')).toHaveLength(3)
    expect(lines.at(-1)).toMatch(/^revoke (done|STORE_UNAVAILABLE)$/)
    const state = await fixture.open({ schedule: false })
    const stored = await state.db.selectFrom('managed_keys').select('id').execute()
    expect(new Set(stored.map((row) => row.id))).toEqual(new Set(added))
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    await state.keys.addE2eKey({ applicationId: 'afterwards', suite: FAST }, BY)
  })
})

describe('a cut connection to PostgreSQL', () => {
  let fixture: StateFixture
  let state: State
  let proxy: { port: number; cut(): void; restore(): void; close(): void }

  beforeEach(async () => {
    fixture = await createStateFixture({ name: 'PostgreSQL', dialect: 'postgres' })
    const url = new URL(fixture.env.KEYHAVEN_DATABASE_URL ?? '')
    proxy = await startProxy(Number(url.port))
    url.port = String(proxy.port)
    state = await openState(loadConfig({ ...fixture.env, KEYHAVEN_DATABASE_URL: url.href }), {
      schedule: false,
    })
  })
  afterEach(async () => {
    proxy.restore()
    await state.close()
    proxy.close()
    await fixture.dispose()
  })

  test('refuses changes and stale answers, and recovers by itself', async () => {
    const key = await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    expect(await state.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'active' })
    proxy.cut()
    await expect(state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)).rejects.toMatchObject(
      UNAVAILABLE,
    )
    await expect(state.changes.refresh()).rejects.toMatchObject(UNAVAILABLE)
    // The key is in memory, but after one second without news it is not used.
    const last = state.changes.lastConfirmedAt
    await new Promise<void>((resolve) => {
      const wait = (): void => {
        if (performance.now() - last > 1_000) resolve()
        else setTimeout(wait, 20)
      }
      wait()
    })
    await expect(Promise.resolve(state.keyCache.find('demo', key.keyId))).rejects.toMatchObject(UNAVAILABLE)
    proxy.restore()
    expect(await state.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'active' })
    await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    expect((await state.keys.list('demo')).length).toBe(2)
  })

  test('a server that is not there is STORE_UNAVAILABLE at start', async () => {
    const config = loadConfig({ ...fixture.env, KEYHAVEN_DATABASE_URL: 'postgres://u:p@127.0.0.1:1/none' })
    await expect(openState(config)).rejects.toMatchObject(UNAVAILABLE)
  })
})

describe.each(ENGINES)('a rollback anchor that cannot be written beside $name', (engine) => {
  let fixture: StateFixture
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
  })
  afterEach(() => fixture.dispose())

  test('is STORE_UNAVAILABLE, and the revocation reaches the anchor with the next change', async () => {
    const state = await fixture.open({ schedule: false })
    const key = await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    const { advance } = state.anchor
    state.anchor.advance = () => {
      throw new Error('disk full')
    }
    const revoke = state.keys.revoke('demo', key.id, { reason: 'test', force: true }, BY)
    await expect(revoke).rejects.toMatchObject(UNAVAILABLE)
    expect(await state.keyCache.find('demo', key.keyId)).toMatchObject({ state: 'revoked' })
    state.anchor.advance = advance
    await state.keys.addE2eKey({ applicationId: 'demo', suite: FAST }, BY)
    expect([...state.anchor.revokedKeys()]).toEqual([{ id: key.id, applicationId: 'demo' }])
    const head = await state.db.selectFrom('state_head').select('audit_sequence').executeTakeFirstOrThrow()
    expect(state.anchor.head()?.auditHead.sequence).toBe(head.audit_sequence)
  })
})

/** A TCP proxy that can be cut: connections break, new ones are closed at once. */
async function startProxy(target: number) {
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer((client) => {
    if (!open) {
      client.destroy()
      return
    }
    const upstream = connectTcp(target, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    cut: () => {
      open = false
      for (const socket of sockets) socket.destroy()
    },
    restore: () => {
      open = true
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
