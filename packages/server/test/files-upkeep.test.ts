import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import type { FileService } from '../src/files/file-service.ts'
import { createFileService } from '../src/files/file-service.ts'
import { createFileStore, READ_COUNTS_ONCE_MS, type StoredFile } from '../src/files/file-store.ts'
import { UNFINISHED_MS } from '../src/files/tidy-files.ts'
import { objectOf } from '../src/files/uploads.ts'
import { verifyFiles } from '../src/files/verify-files.ts'
import type { ObjectStore } from '../src/platform/objects/object-store.ts'
import { openObjectStore } from '../src/platform/objects/open-object-store.ts'
import type { State } from '../src/platform/state/state.ts'
import { type ScriptedAccess, scriptedAccess } from './fixtures/file-server.ts'

const APP = 'app'
const CALLER = { username: 'ana', device: 'phone' }
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

describe.each(ENGINES)('the care for files on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let objects: ObjectStore
  let access: ScriptedAccess
  let files: FileService
  let now: number
  const failures: unknown[] = []
  beforeEach(async () => {
    now = Date.now()
    const clock = () => now
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false, clock })
    objects = await openObjectStore(fixture.config.objects)
    access = scriptedAccess()
    for (const list of [access.writers, access.readers, access.admins]) list.add('ana')
    files = createFileService({ state, objects, access, clock })
  })
  afterEach(async () => {
    await fixture.dispose()
    expect(failures).toEqual([])
  })

  const begin = async (bytes: number, conversation = 'one') => {
    const id = files.newId()
    return files.create(APP, CALLER, { id, conversation, bytes })
  }
  const reread = async (file: StoredFile) => (await files.find(APP, file.id))!
  const put = async (text: string, conversation?: string) => {
    const file = await begin(text.length, conversation)
    await files.append(file, Buffer.from(text))
    return reread(file)
  }
  const tidy = () => files.tidy(now, (error) => failures.push(error))
  const names = async () => {
    const found: string[] = []
    for await (const { name } of objects.list('')) found.push(name)
    for await (const { name } of objects.uploads('')) found.push(`${name} unfinished`)
    return found.sort()
  }
  const verify = (repair: boolean) =>
    verifyFiles(state, objects, { repair, actor: 'cli', clock: () => now, onProgress: () => {} })

  test('an upload that nobody goes on with is gone after a day without new bytes', async () => {
    const small = await begin(100)
    await files.append(small, Buffer.alloc(50))
    const large = await begin(20_000_000)
    await files.append(large, Buffer.alloc(8_000_000))
    const whole = await put('stays')
    now += UNFINISHED_MS - 1_000
    await files.append(await reread(large), Buffer.alloc(8_000_000))
    expect(await tidy()).toEqual({ unfinished: 0, expired: 0 })
    now += 2_000
    expect(await tidy()).toEqual({ unfinished: 1, expired: 0 })
    expect(await files.find(APP, small.id)).toBeUndefined()
    now += UNFINISHED_MS
    expect(await tidy()).toEqual({ unfinished: 1, expired: 0 })
    expect(await names()).toEqual([objectOf(whole)])
    for (const table of ['file_parts', 'file_reads'] as const) {
      expect(await state.db.selectFrom(table).selectAll().execute()).toEqual([])
    }
  })

  test('the rule of a conversation deletes its files, and no other’s', async () => {
    const old = await put('old', 'ruled')
    const other = await put('other', 'free')
    access.retentionDays = async (_, conversation) => (conversation === 'ruled' ? 30 : null)
    now += 29 * DAY_MS
    const fresh = await put('fresh', 'ruled')
    const open = await begin(10, 'ruled')
    expect(await tidy()).toEqual({ unfinished: 0, expired: 0 })
    now += 1 * DAY_MS + 1
    expect((await tidy()).expired).toBe(1)
    expect(await files.find(APP, old.id)).toBeUndefined()
    expect(await names()).toEqual([objectOf(other), objectOf(fresh)].sort())
    expect(await files.find(APP, open.id)).toBeUndefined()
    const audited = await state.db
      .selectFrom('audit_entries')
      .selectAll()
      .where('action', '=', 'file.expire')
      .execute()
    expect(audited).toMatchObject([{ actor: 'system', subject: 'ruled', detail: '{"files":1}' }])
  })

  test('a receipt for each download: its ranges count once, for each device', async () => {
    const file = await put('content')
    const read = async (device: string, start: number) => {
      const stream = await files.read(file, { ...CALLER, device }, { start })
      return (await buffer(stream)).toString()
    }
    expect(await read('phone', 0)).toBe('content')
    expect(await read('phone', 3)).toBe('tent')
    expect(access.receipts).toHaveLength(1)
    await read('laptop', 0)
    expect(access.receipts).toHaveLength(2)
    now += READ_COUNTS_ONCE_MS
    await read('phone', 0)
    expect(access.receipts).toHaveLength(3)
    // No receipt, no byte.
    now += READ_COUNTS_ONCE_MS
    access.recordRead = async () => {
      throw new Error('the log cannot be written')
    }
    await expect(read('phone', 0)).rejects.toThrow('the log cannot be written')
    await expect(read('phone', 0)).rejects.toThrow('the log cannot be written')
  })

  test('a crash between the last byte and the whole file: the next question makes it whole', async () => {
    const file = await begin(5)
    const { complete } = objects
    const crash = async () => {
      throw new Error('killed')
    }
    for (const crashed of [
      crash,
      async (...call: Parameters<typeof complete>) => {
        await complete(...call)
        return crash()
      },
    ]) {
      const broken = createFileService({
        state,
        objects: { ...objects, complete: crashed },
        access,
        clock: () => now,
      })
      const id = files.newId()
      const begun = await broken.create(APP, CALLER, { id, conversation: 'one', bytes: 5 })
      await expect(broken.append(begun, Buffer.from('whole'))).rejects.toThrow('killed')
      expect(await reread(begun)).toMatchObject({ state: 'completing', received: 5 })
      expect(await files.look(APP, CALLER, id)).toMatchObject({ state: 'complete', received: 5 })
      const stream = await files.read(await reread(begun), CALLER, undefined)
      expect((await buffer(stream)).toString()).toBe('whole')
    }
    expect((await reread(file)).state).toBe('uploading')
    // Or nobody asks: then the care for files does it.
    const broken = createFileService({
      state,
      objects: { ...objects, complete: crash },
      access,
      clock: () => now,
    })
    await expect(broken.append(file, Buffer.from('whole'))).rejects.toThrow('killed')
    now += HOUR_MS
    await tidy()
    expect((await reread(file)).state).toBe('complete')
  })

  test('parts that are lost: the upload begins again, and is not made whole with holes', async () => {
    const file = await begin(12_000_000)
    await files.append(file, Buffer.alloc(6_000_000))
    await objects.abort({ name: objectOf(file), upload: (await reread(file)).upload })
    await expect(files.append(await reread(file), Buffer.alloc(6_000_000))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    const again = await begin(12_000_000)
    await files.append(again, Buffer.alloc(6_000_000))
    await state.db.updateTable('file_parts').set({ tag: 'lost' }).execute()
    const end = files.append(await reread(again), Buffer.alloc(6_000_000))
    await expect(end).rejects.toMatchObject({ code: 'UPLOAD_CONFLICT' })
    expect(await files.find(APP, again.id)).toBeUndefined()
    expect(await names()).toEqual([])
  })

  test('a deletion that was cut is ended; meanwhile the file is gone for everybody', async () => {
    const file = await put('deleted')
    const cut = { ...objects, delete: () => Promise.reject(new Error('killed')) }
    const broken = createFileService({ state, objects: cut, access, clock: () => now })
    await expect(broken.remove(file, 'device:ana/phone')).rejects.toThrow('killed')
    await expect(files.openRead(APP, CALLER, file.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await names()).toEqual([objectOf(file)])
    now += HOUR_MS
    await tidy()
    expect(await names()).toEqual([])
    expect(await state.db.selectFrom('files').selectAll().execute()).toEqual([])
  })

  test('verify finds what has no counterpart and what is damaged, and repairs what can be', async () => {
    const good = await put('good')
    const lost = await put('lost')
    const damaged = await put('damaged')
    const open = await begin(9_000_000)
    await files.append(open, Buffer.alloc(6_000_000))
    const small = await begin(10)
    await files.append(small, Buffer.alloc(5))
    expect(await verify(false)).toEqual({ files: 3, objects: 3, findings: [] })
    await objects.delete(objectOf(lost))
    await objects.delete(objectOf(damaged))
    await objects.put(objectOf(damaged), Buffer.from('dama'))
    const orphan = `files/${APP}/${randomBytes(16).toString('base64url')}`
    await objects.put(orphan, Buffer.from('nobody’s'))
    const left = `files/${APP}/${randomBytes(16).toString('base64url')}`
    await objects.beginUpload(left)
    const tail = `tails/${APP}/${small.id}/stale`
    await objects.put(tail, Buffer.from('rest'))
    // What is young may belong to a request that runs now.
    expect((await verify(false)).findings.map(({ object }) => object).sort()).toEqual(
      [objectOf(lost), objectOf(damaged), orphan].sort(),
    )
    now += 2 * HOUR_MS
    const expected = [
      { problem: 'object-missing', object: objectOf(lost) },
      { problem: 'wrong-size', object: objectOf(damaged) },
      { problem: 'row-missing', object: orphan },
      { problem: 'upload-left', object: left },
      { problem: 'upload-left', object: tail },
    ]
    const byObject = (a: { object: string }, b: { object: string }) => (a.object < b.object ? -1 : 1)
    const looked = await verify(false)
    expect([...looked.findings].sort(byObject)).toEqual(
      expected.map((finding) => ({ ...finding, repaired: false })).sort(byObject),
    )
    const repaired = await verify(true)
    expect(repaired.findings.filter((finding) => !finding.repaired)).toEqual([
      { problem: 'wrong-size', object: objectOf(damaged), repaired: false },
    ])
    expect((await verify(false)).findings).toEqual([
      { problem: 'wrong-size', object: objectOf(damaged), repaired: false },
    ])
    expect(await files.find(APP, lost.id)).toBeUndefined()
    await expect(files.read(damaged, CALLER, undefined)).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
    expect((await buffer(await files.read(good, CALLER, undefined))).toString()).toBe('good')
    // What is under way goes on.
    expect(await files.append(await reread(open), Buffer.alloc(3_000_000))).toBe(9_000_000)
    expect(await files.append(await reread(small), Buffer.alloc(5))).toBe(10)
    expect((await createFileStore(state).find(APP, open.id))?.state).toBe('complete')
  })
})
