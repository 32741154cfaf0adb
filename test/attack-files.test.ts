import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFileService, type FileService } from '../packages/server/src/files/file-service.ts'
import { createFileStore, type StoredFile } from '../packages/server/src/files/file-store.ts'
import { UNFINISHED_MS } from '../packages/server/src/files/tidy-files.ts'
import { createUploads } from '../packages/server/src/files/uploads.ts'
import type { ObjectStore } from '../packages/server/src/platform/objects/object-store.ts'
import { openObjectStore } from '../packages/server/src/platform/objects/open-object-store.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import { scriptedAccess } from '../packages/server/test/fixtures/file-server.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'

const APP = 'app'
const CALLER = { username: 'ana', device: 'phone' }

/** Two processes over one database and one object store, each with what it has read a moment ago. */
describe.each(ENGINES)('races about files on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let objects: ObjectStore
  let files: FileService
  let now: number
  beforeEach(async () => {
    now = Date.now()
    const clock = () => now
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false, clock })
    objects = await openObjectStore(fixture.config.objects)
    const access = scriptedAccess()
    for (const list of [access.writers, access.readers, access.admins]) list.add('ana')
    files = createFileService({ state, objects, access, clock })
  })
  afterEach(() => fixture.dispose())

  const begin = (bytes: number) =>
    files.create(APP, CALLER, { id: files.newId(), conversation: 'one', bytes })
  const reread = async (file: StoredFile) => (await files.find(APP, file.id))!
  async function textOf(file: StoredFile): Promise<string> {
    const stream = await files.read(await reread(file), CALLER, undefined)
    return (await buffer(stream)).toString()
  }

  test('whoever saw a file unfinished does not delete it once it is whole', async () => {
    const file = await begin(10)
    await files.append(file, Buffer.from('01234'))
    const seen = await reread(file)
    await files.append(seen, Buffer.from('56789'))
    await expect(files.remove(seen, 'device:ana/phone')).rejects.toMatchObject({ code: 'UPLOAD_CONFLICT' })
    expect(await textOf(file)).toBe('0123456789')
  })

  test('the tidying does not take an upload away that goes on at this very moment', async () => {
    const file = await begin(10)
    await files.append(file, Buffer.from('01234'))
    now += UNFINISHED_MS + 60_000
    // It has read its list, and then the device comes back.
    const other = createUploads(createFileStore(state), objects)
    const listed = await reread(file)
    await files.append(listed, Buffer.from('567'))
    await expect(other.remove(listed)).rejects.toMatchObject({ code: 'UPLOAD_CONFLICT' })
    await files.append(await reread(file), Buffer.from('89'))
    expect(await textOf(file)).toBe('0123456789')
  })

  test('two that finish at once, and one that deletes meanwhile: whole or gone, and never half', async () => {
    for (let round = 0; round < 5; round++) {
      const file = await begin(10)
      await files.append(file, Buffer.from('01234'))
      const seen = await reread(file)
      const outcomes = await Promise.allSettled([
        files.append(seen, Buffer.from('56789')),
        files.append(seen, Buffer.from('abcde')),
        files.remove(seen, 'device:ana/phone'),
      ])
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(['UPLOAD_CONFLICT', 'NOT_FOUND']).toContain(outcome.reason.code)
        }
      }
      const left = await files.find(APP, file.id)
      if (left?.state === 'complete') expect(await textOf(file)).toMatch(/^01234(56789|abcde)$/)
      else if (left) expect(left).toMatchObject({ state: 'uploading', received: 5 })
    }
  })
})
