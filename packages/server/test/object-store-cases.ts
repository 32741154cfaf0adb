import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { MIN_PART_BYTES, type ObjectStore, type WrittenPart } from '../src/platform/objects/object-store.ts'

/** What every kind of store must do. @param open - the store, ready. */
export function objectStoreCases(open: () => ObjectStore): void {
  const bytesOf = async (store: ObjectStore, name: string, range?: { start: number; end?: number }) => {
    const stream = await store.read(name, range)
    return stream && buffer(stream)
  }
  const namesOf = async (store: ObjectStore, prefix: string) => {
    const names: string[] = []
    for await (const { name } of store.list(prefix)) names.push(name)
    return names.sort()
  }
  const uploadsOf = async (store: ObjectStore, prefix: string) => {
    const found = []
    for await (const upload of store.uploads(prefix)) found.push(upload)
    return found
  }
  const write = async (store: ObjectStore, name: string, pieces: readonly Uint8Array[]) => {
    const ref = { name, upload: await store.beginUpload(name) }
    const parts: WrittenPart[] = []
    for (const [index, piece] of pieces.entries()) {
      const tag = await store.writePart(ref, index + 1, piece)
      parts.push({ part: index + 1, tag, bytes: piece.length })
    }
    return { ref, parts }
  }

  test('keeps a small object, replaces it, forgets it', async () => {
    const store = open()
    expect(await store.get('keys/app/one')).toBeUndefined()
    await store.put('keys/app/one', Buffer.from('first'))
    await store.put('keys/app/one', Buffer.from('second'))
    expect(Buffer.from((await store.get('keys/app/one'))!).toString()).toBe('second')
    expect(await store.head('keys/app/one')).toMatchObject({ name: 'keys/app/one', bytes: 6 })
    await store.put('keys/app/empty', new Uint8Array(0))
    expect(await store.get('keys/app/empty')).toHaveLength(0)
    expect(await store.head('keys/app')).toBeUndefined()
    for (const name of ['keys/app/one', 'keys/app/one', 'keys/app', 'keys/app/empty'])
      await store.delete(name)
    expect(await store.get('keys/app/one')).toBeUndefined()
    expect(await store.read('keys/app/one')).toBeUndefined()
    expect(await store.head('keys/app/one')).toBeUndefined()
  })

  test('makes an object of parts, seen by nobody before it is whole; any range of it can be read', async () => {
    const store = open()
    const pieces = [randomBytes(MIN_PART_BYTES), randomBytes(MIN_PART_BYTES + 17), randomBytes(1_000)]
    const all = Buffer.concat(pieces)
    const { ref, parts } = await write(store, 'files/app/parted', pieces)
    expect(await store.head('files/app/parted')).toBeUndefined()
    expect(await store.read('files/app/parted')).toBeUndefined()
    expect(await namesOf(store, 'files/')).toEqual([])
    expect(await uploadsOf(store, 'files/')).toMatchObject([ref])
    // Once more, as after an answer that was lost: the last one written is named.
    const again = { ...parts[1]!, tag: await store.writePart(ref, 2, pieces[1]!) }
    await store.complete(ref, [parts[0]!, again, parts[2]!])
    expect(await uploadsOf(store, 'files/')).toEqual([])
    expect(await store.head('files/app/parted')).toMatchObject({ bytes: all.length })
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(digest((await bytesOf(store, 'files/app/parted'))!)).toBe(digest(all))
    const edge = MIN_PART_BYTES
    for (const [start, end] of [
      [0, 0],
      [edge - 1, edge],
      [edge - 5, 2 * edge + 30],
      [all.length - 1, all.length - 1],
      [all.length - 10, all.length + 10],
    ] as const) {
      const found = await bytesOf(store, 'files/app/parted', { start, end })
      expect(found?.equals(all.subarray(start, end + 1))).toBe(true)
    }
    expect((await bytesOf(store, 'files/app/parted', { start: edge }))?.equals(all.subarray(edge))).toBe(true)
    await store.delete('files/app/parted')
    expect(await store.read('files/app/parted')).toBeUndefined()
  })

  test('what is over is over: no part, no completion, and abort harms no object', async () => {
    const store = open()
    const { ref, parts } = await write(store, 'files/app/over', [Buffer.from('whole')])
    await store.complete(ref, parts)
    await expect(store.writePart(ref, 1, Buffer.from('WRONG'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const again = await store.complete(ref, parts).catch((error: unknown) => error)
    if (again !== undefined) expect(again).toMatchObject({ code: 'NOT_FOUND' })
    await store.abort(ref)
    expect((await bytesOf(store, 'files/app/over'))?.toString()).toBe('whole')
    const second = await write(store, 'files/app/aborted', [Buffer.from('half')])
    await store.abort(second.ref)
    await store.abort(second.ref)
    await expect(store.writePart(second.ref, 2, Buffer.from('x'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await store.head('files/app/aborted')).toBeUndefined()
    expect(await uploadsOf(store, 'files/')).toEqual([])
    await store.delete('files/app/over')
  })

  test('a part that is not the one named makes no object', async () => {
    const store = open()
    const { ref, parts } = await write(store, 'files/app/other', [Buffer.from('a part')])
    const wrong = [{ ...parts[0]!, tag: `x${parts[0]!.tag.slice(1)}` }]
    await expect(store.complete(ref, wrong)).rejects.toMatchObject({ code: 'UPLOAD_CONFLICT' })
    expect(await store.head('files/app/other')).toBeUndefined()
    await store.abort(ref)
  })

  test('lists what begins so, and nothing else', async () => {
    const store = open()
    const names = ['list/a/1', 'list/a/2', 'list/ab/1', 'list/b', 'listen']
    for (const name of names) await store.put(name, Buffer.from(name))
    expect(await namesOf(store, 'list/')).toEqual(['list/a/1', 'list/a/2', 'list/ab/1', 'list/b'])
    expect(await namesOf(store, 'list/a/')).toEqual(['list/a/1', 'list/a/2'])
    expect(await namesOf(store, 'list/a')).toEqual(['list/a/1', 'list/a/2', 'list/ab/1'])
    expect(await namesOf(store, 'nothing/')).toEqual([])
    for (const name of names) await store.delete(name)
  })

  test('a reader that goes away lets go of the object', async () => {
    const store = open()
    const { ref, parts } = await write(store, 'files/app/left', [
      randomBytes(MIN_PART_BYTES),
      randomBytes(10),
    ])
    await store.complete(ref, parts)
    const reader = (await store.read('files/app/left'))!.getReader()
    expect((await reader.read()).value!.length).toBeGreaterThan(0)
    await reader.cancel()
    await store.delete('files/app/left')
  })

  test('a name that could leave its place is no name', async () => {
    const store = open()
    for (const name of [
      '../x',
      'a/../b',
      '/a',
      'a//b',
      'a/',
      '',
      'a.b',
      'a\0',
      'a\\b',
      `a/${'x'.repeat(129)}`,
    ]) {
      await expect((async () => store.put(name, new Uint8Array(1)))()).rejects.toThrow(TypeError)
      await expect((async () => store.read(name))()).rejects.toThrow(TypeError)
      await expect((async () => store.beginUpload(name))()).rejects.toThrow(TypeError)
    }
  })

  test('what is tried at the start works', async () => {
    const store = open()
    await store.check()
    expect(await namesOf(store, '')).toEqual([])
  })
}
