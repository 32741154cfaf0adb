import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../src/platform/objects/object-store.ts'
import { objectStoreCases } from './object-store-cases.ts'

const run = promisify(execFile)
const LIMIT_KILOBYTES = 6 * 1_024

describe('objects on disk', () => {
  let root: string
  let store: ObjectStore
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'keyhaven-objects-'))
    store = createDiskStore(root)
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  objectStoreCases(() => store)

  test('nobody else may read them', async () => {
    await store.put('private/one', new Uint8Array(1))
    expect((await stat(join(root, 'private', 'one'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'private'))).mode & 0o777).toBe(0o700)
    await store.delete('private/one')
  })

  test('a part that is cut or missing is FILE_DAMAGED, never a shorter object', async () => {
    const ref = { name: 'files/damaged', upload: await store.beginUpload('files/damaged') }
    const parts = []
    for (const part of [1, 2]) {
      parts.push({ part, tag: await store.writePart(ref, part, new Uint8Array(1_000)), bytes: 1_000 })
    }
    await store.complete(ref, parts)
    const file = join(root, 'files', 'damaged.parts', `2-${parts[1]!.tag}`)
    await truncate(file, 999)
    await expect(buffer((await store.read('files/damaged'))!)).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
    await rm(file)
    await expect(buffer((await store.read('files/damaged'))!)).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
    await writeFile(
      join(root, 'files', 'damaged.parts', 'manifest.json'),
      '[{"part":1,"tag":"../../x","bytes":1}]',
    )
    await expect(store.read('files/damaged')).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
    await store.delete('files/damaged')
  })

  test('sweeps what a crash left, old enough, and nothing else', async () => {
    await store.put('swept/kept', Buffer.from('kept'))
    await writeFile(join(root, 'swept', '.new-crashed'), 'half')
    await writeFile(join(root, 'swept', '.new-running'), 'half')
    const long = new Date(Date.now() - 100_000)
    await utimes(join(root, 'swept', '.new-crashed'), long, long)
    expect(await store.sweep(Date.now() - 50_000)).toBe(1)
    expect((await readdir(join(root, 'swept'))).sort()).toEqual(['.new-running', 'kept'])
  })

  // A limit on the size of files (RLIMIT_FSIZE) makes write(2) fail as a full disk does.
  test('a full disk is STORE_UNAVAILABLE; nothing half is seen, and it goes on afterwards', async () => {
    const script = new URL('fixtures/fill-objects.ts', import.meta.url).pathname
    const folder = join(root, 'full')
    const { stdout } = await run('bash', [
      '-c',
      `ulimit -f ${LIMIT_KILOBYTES}; trap '' XFSZ; exec "${process.execPath}" "${script}" "${folder}"`,
    ])
    expect(stdout.trim().split('\n')).toEqual([
      'part 1 written',
      'part 2 STORE_UNAVAILABLE the disk of the objects is full',
      'put STORE_UNAVAILABLE the disk of the objects is full',
      'visible 0',
      'part 2 written',
      'complete',
    ])
    const after = createDiskStore(folder)
    expect(await after.head('files/full')).toMatchObject({ bytes: 6 * 1_024 * 1_024 })
    expect(await after.head('put')).toBeUndefined()
    expect(await readdir(folder)).toEqual(['files'])
  })
})
