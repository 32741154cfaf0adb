import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KeyhavenError } from '@keyhaven/crypto'
import { isMissing, toObjectError } from './disk-error.ts'
import { MANIFEST, partFile, piecesOf, readManifest, streamPieces, totalBytes } from './disk-parts.ts'
import { makeFolder, syncFolder, UNFINISHED, writeDurable } from './durable-file.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'
import { checkObjectName, MAX_WHOLE_BYTES } from './object-store.ts'
import { withErrors } from './with-errors.ts'

/** Ends the folder of an object in parts; a dot is in no object's name. */
const PARTED = '.parts'
/** Begins the name that such a folder gets before it is emptied, so that the object is gone at once. */
const DELETED = '.deleted-'
const TAG_BYTES = 9
const WHOLE_FIRST = { start: 0 } as const

/**
 * Objects in a folder. `put` makes one file. An object in parts is a folder `NAME.parts` with a file for each
 * part, whose name has a random tag, and a manifest that names those that count: it appears last and by a
 * rename, so there is never half an object, and a writer that comes too late changes nothing.
 */
export function createDiskStore(root: string): ObjectStore {
  const file = (name: string) => join(root, ...checkObjectName(name).split('/'))
  const folder = (name: string) => `${file(name)}${PARTED}`
  const newTag = () => randomBytes(TAG_BYTES).toString('base64url')

  async function* walk(prefix: string): AsyncGenerator<{ path: string; name: string; parted: boolean }> {
    const from = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : ''
    const top = join(root, ...from.split('/').filter(Boolean))
    const entries = await readdir(top, { withFileTypes: true, recursive: false }).catch(orNone)
    for (const entry of entries) {
      const plain = entry.name.endsWith(PARTED) ? entry.name.slice(0, -PARTED.length) : entry.name
      if (plain.includes('.')) continue
      const name = from === '' ? plain : `${from}/${plain}`
      const path = join(top, entry.name)
      if (entry.isDirectory() && plain === entry.name) {
        if (`${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`)) yield* walk(`${name}/`)
      } else if (name.startsWith(prefix)) yield { path, name, parted: entry.isDirectory() }
    }
  }

  async function infoOf(name: string, path: string, parted: boolean): Promise<ObjectInfo | undefined> {
    try {
      const found = await stat(parted ? join(path, MANIFEST) : path)
      // The folder of objects whose names go on.
      if (!found.isFile()) return undefined
      const { size, mtimeMs } = found
      const bytes = parted ? totalBytes(await readManifest(path)) : size
      return { name, bytes, at: Math.floor(mtimeMs) }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  const store: ObjectStore = {
    kind: 'disk',

    async put(name, bytes) {
      const path = file(name)
      await makeFolder(dirname(path))
      await writeDurable(path, bytes)
    },

    async get(name) {
      const info = await store.head(name)
      if (info === undefined) return undefined
      if (info.bytes > MAX_WHOLE_BYTES) throw new KeyhavenError('WIRE_TOO_LARGE', 'an object is too long')
      const stream = await store.read(name)
      return (
        stream &&
        new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
      )
    },

    async beginUpload(name) {
      const path = folder(name)
      // A folder that was there may be on its way out: somebody removes the upload.
      await makeFolder(path).catch((error: unknown) => {
        unlessMissing(error)
        return makeFolder(path).catch(overIfMissing)
      })
      return basename(path)
    },

    async writePart({ name }, part, bytes) {
      const path = folder(name)
      if (await exists(join(path, MANIFEST))) throw over()
      const tag = newTag()
      await writeDurable(join(path, partFile(part, tag)), bytes).catch(overIfMissing)
      return tag
    },

    async complete({ name }, parts) {
      const path = folder(name)
      const present = new Set(await readdir(path).catch(orNone))
      if (present.size === 0 || present.has(MANIFEST)) throw over()
      const wanted = new Set(parts.map(({ part, tag }) => partFile(part, tag)))
      if ([...wanted].some((wantedFile) => !present.has(wantedFile))) {
        throw new KeyhavenError('UPLOAD_CONFLICT', 'a part of the upload is not there')
      }
      await writeDurable(join(path, MANIFEST), Buffer.from(JSON.stringify(parts))).catch(overIfMissing)
      // Written twice, or by a process that ended before it could say so.
      for (const extra of present) if (!wanted.has(extra)) await rm(join(path, extra), { force: true })
    },

    async abort({ name }) {
      const path = folder(name)
      if (!(await exists(join(path, MANIFEST)))) await removeFolder(path)
    },

    async read(name, range = WHOLE_FIRST) {
      const path = folder(name)
      const parts = await readManifest(path).catch((error: unknown) => {
        if (isMissing(error)) return undefined
        throw error
      })
      if (parts !== undefined) return streamPieces(piecesOf(path, parts, range))
      const info = await infoOf(name, file(name), false)
      if (info === undefined) return undefined
      const past = Math.min(range.end === undefined ? info.bytes : range.end + 1, info.bytes)
      return streamPieces([{ path: file(name), start: range.start, bytes: Math.max(past - range.start, 0) }])
    },

    async head(name) {
      return (await infoOf(name, folder(name), true)) ?? (await infoOf(name, file(name), false))
    },

    async delete(name) {
      if ((await infoOf(name, file(name), false)) !== undefined) {
        await rm(file(name), { force: true })
        await syncFolder(dirname(file(name)))
      }
      await removeFolder(folder(name))
    },

    async *list(prefix) {
      for await (const { path, name, parted } of walk(prefix)) {
        const info = await infoOf(name, path, parted)
        if (info !== undefined) yield info
      }
    },

    async *uploads(prefix) {
      for await (const { path, name, parted } of walk(prefix)) {
        if (!parted || (await exists(join(path, MANIFEST)))) continue
        const found = await stat(path).catch(unlessMissing)
        if (found) yield { name, upload: basename(path), at: Math.floor(found.mtimeMs) }
      }
    },

    async sweep(before) {
      let swept = 0
      const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch(orNone)
      for (const { name, parentPath } of entries) {
        if (!name.startsWith(UNFINISHED) && !name.startsWith(DELETED)) continue
        const path = join(parentPath, name)
        const found = await stat(path).catch(unlessMissing)
        if (found === undefined || found.mtimeMs >= before) continue
        await rm(path, { recursive: true, force: true })
        swept++
      }
      return swept
    },

    async check() {
      const probe = `probe/${newTag()}`
      await store.put(probe, new Uint8Array(1))
      await store.delete(probe)
    },

    close() {},
  }
  return withErrors(store, toObjectError)
}

function overIfMissing(error: unknown): never {
  throw isMissing(error) ? over() : error
}

function over(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'the upload is over')
}

/** Renamed first: from then on nobody finds it. A rest that a crash leaves has no object's name. */
async function removeFolder(path: string): Promise<void> {
  const gone = join(dirname(path), `${DELETED}${randomBytes(TAG_BYTES).toString('base64url')}`)
  try {
    await rename(path, gone)
  } catch (error) {
    unlessMissing(error)
    return
  }
  await syncFolder(dirname(path))
  await rm(gone, { recursive: true, force: true })
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(unlessMissing)) !== undefined
}

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error
}

function orNone(error: unknown): [] {
  unlessMissing(error)
  return []
}
