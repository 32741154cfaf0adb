import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bundledProgram } from '../../../test/kit/bundled-program.ts'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { rewrap } from '../src/maintenance/rewrap.ts'
import type { State } from '../src/platform/state/state.ts'
import { readMasterKeyIds } from '../src/platform/wrappers/master-keyring.ts'
import { keyringLocation } from '../src/platform/wrappers/open-master-keys.ts'

const FAST = { kem: 'x25519', aead: 'aes-256-gcm' } as const
const BY = { actor: 'token:test' }
const OPTIONS = { actor: 'cli:local' }

describe.each(ENGINES)('moving keys to a new master key on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
  })
  afterEach(() => fixture.dispose())

  const add = (applicationId: string) => state.keys.addE2eKey({ applicationId, suite: FAST }, BY)
  const fill = async (count: number): Promise<void> => {
    await state.transaction(async (transaction) => {
      for (let n = 0; n < count; n++) {
        await state.keys.addE2eKey({ applicationId: `app-${n}`, suite: FAST }, { ...BY, transaction })
      }
    })
  }
  const keyring = () => readMasterKeyIds(keyringLocation(fixture.config)) ?? []
  const masterKeysInUse = async () => {
    const rows = await state.db
      .selectFrom('managed_keys')
      .select('master_key_id')
      .distinct()
      .where('master_key_id', 'is not', null)
      .execute()
    return rows.map((row) => row.master_key_id)
  }

  test('moves all of them, drops the old one, and a running server goes on', async () => {
    await fill(230)
    const revoked = await add('demo')
    await state.keys.revoke('demo', revoked.id, { reason: 'test', force: true }, BY)
    const [old] = keyring()
    const progress: [number, number][] = []
    const summary = await rewrap(fixture.config, { ...OPTIONS, onProgress: (...step) => progress.push(step) })
    expect(summary).toMatchObject({ moved: 230, dropped: [old], resumed: false })
    expect(progress.at(-1)).toEqual([230, 230])
    expect(keyring()).toEqual([summary.masterKeyId])
    expect(await masterKeysInUse()).toEqual([summary.masterKeyId])
    // The server that knew only the old one:
    expect(await state.keyCache.find('app-7', 1)).toMatchObject({ privateKey: {} })
    const added = await add('later')
    expect(state.wrapper.masterKeyIdOf(added.wrappedPrivateKey ?? new Uint8Array())).toBe(summary.masterKeyId)
    await state.changes.refresh()
    expect((state.wrapper as unknown as { masterKeyIds: string[] }).masterKeyIds).toEqual([
      summary.masterKeyId,
    ])
    expect((await state.audit.list({ action: 'keys.rewrap' })).items).toHaveLength(2)
    expect(await state.audit.verify()).toMatchObject({ valid: true })
  })

  test('loses no key that is added or revoked meanwhile', async () => {
    await fill(220)
    let running = true
    const added: string[] = []
    const worker = (async () => {
      for (let n = 0; running; n++) {
        const key = await add(`busy-${n}`)
        if (n % 3 === 0) await state.keys.revoke(`busy-${n}`, key.id, { reason: 'test', force: true }, BY)
        else added.push(`busy-${n}`)
        const of = await state.keys.listE2eKeys(`app-${n}`)
        if (of[0] !== undefined)
          await state.keys.revoke(`app-${n}`, of[0].id, { reason: 'test', force: true }, BY)
      }
    })()
    const summary = await rewrap(fixture.config, OPTIONS)
    running = false
    await worker
    expect(await masterKeysInUse()).toEqual([summary.masterKeyId])
    const after = await fixture.open({ schedule: false })
    for (const applicationId of added) {
      expect(await after.keyCache.find(applicationId, 1)).toMatchObject({ privateKey: {} })
    }
    const rows = await after.db.selectFrom('managed_keys').selectAll().execute()
    for (const row of rows) expect(row.wrapped_private_key === null).toBe(row.state === 'revoked')
  })

  test('stopped half way, the next run finishes it and makes no third master key', async () => {
    await fill(230)
    const [old] = keyring()
    const stop = new AbortController()
    const stopped = rewrap(fixture.config, {
      ...OPTIONS,
      signal: stop.signal,
      onProgress: (done) => done > 0 && stop.abort(),
    })
    await expect(stopped).rejects.toThrow()
    const between = keyring()
    expect(between).toHaveLength(2)
    expect(new Set(await masterKeysInUse())).toEqual(new Set(between))
    expect(await state.keyCache.find('app-1', 1)).toMatchObject({ privateKey: {} })
    expect(await state.keyCache.find('app-229', 1)).toMatchObject({ privateKey: {} })
    const summary = await rewrap(fixture.config, OPTIONS)
    expect(summary).toMatchObject({ resumed: true, masterKeyId: between[0], dropped: [old], moved: 30 })
    expect(keyring()).toEqual([summary.masterKeyId])
  })

  test('killed at random moments, it is always finished by the next run', async () => {
    await fill(230)
    const program = await bundledProgram(fileURLToPath(new URL('fixtures/run-rewrap.ts', import.meta.url)))
    let finished = false
    for (let attempt = 0; attempt < 8 && !finished; attempt++) {
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, ...fixture.env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      // From "opening" to somewhere inside the moves.
      await once(child.stdout, 'data')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5 + attempt * 25)
      finished = (await exited)[0] === 0
      clearTimeout(timer)
      expect(await state.keyCache.find(`app-${attempt * 25}`, 1)).toMatchObject({ privateKey: {} })
      await add(`between-${attempt}`)
    }
    const summary = await rewrap(fixture.config, OPTIONS)
    expect(keyring()).toEqual([summary.masterKeyId])
    const after = await fixture.open({ schedule: false })
    for (let n = 0; n < 230; n += 19) {
      expect(await after.keyCache.find(`app-${n}`, 1)).toMatchObject({ privateKey: {} })
    }
  })

  test('prepared first, for several machines: nothing uses the new key until it is everywhere', async () => {
    await add('demo')
    const prepared = await rewrap(fixture.config, { ...OPTIONS, only: 'prepare' })
    expect(keyring()).toHaveLength(2)
    expect(await masterKeysInUse()).not.toContain(prepared.masterKeyId)
    const restarted = await fixture.open({ schedule: false })
    await restarted.keys.addE2eKey({ applicationId: 'later', suite: FAST }, BY)
    expect(await masterKeysInUse()).not.toContain(prepared.masterKeyId)
    expect(await rewrap(fixture.config, OPTIONS)).toMatchObject({
      masterKeyId: prepared.masterKeyId,
      moved: 2,
    })
  })

  test('a keyring that lacks the database’s master key is refused at start', async () => {
    await add('demo')
    await state.close()
    const { rmSync } = await import('node:fs')
    rmSync(fixture.config.masterKeyFile)
    await expect(fixture.open()).rejects.toThrow(/put it back/)
    const { createKeyring } = await import('../src/platform/wrappers/master-keyring.ts')
    createKeyring(keyringLocation(fixture.config), 1)
    await expect(fixture.open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(fixture.open()).rejects.toThrow(/put the right keyring there/)
  })
})
