import type { ObjectStore } from '../platform/objects/object-store.ts'
import type { State } from '../platform/state/state.ts'
import type { StoredFile } from './file-store.ts'
import { createFileStore, fileOf } from './file-store.ts'
import { createUploads, FILES_PREFIX, objectOf, TAILS_PREFIX } from './uploads.ts'

/** Younger than this, what fits nowhere may be a request that runs now. */
const SETTLED_MS = 3_600_000
const ROWS_AT_ONCE = 200
/** Questions to the object store at the same time. */
const HEADS_AT_ONCE = 16

export type FileProblem =
  /** The row of a whole file whose object is gone: nobody can read it any more. */
  | 'object-missing'
  /** The object has another length than it was given: damaged. */
  | 'wrong-size'
  /** An object that no row names. */
  | 'row-missing'
  /** An upload or the rest of one that no row goes on with. */
  | 'upload-left'

export interface FileFinding {
  readonly problem: FileProblem
  /** The object's name: `files/APPLICATION/ID`. */
  readonly object: string
  readonly repaired: boolean
}

export interface FileVerification {
  readonly files: number
  readonly objects: number
  readonly findings: readonly FileFinding[]
}

export interface VerifyWork {
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  /** Removes what has no counterpart; of a wrong size, nothing. */
  readonly repair: boolean
  readonly actor: string
  readonly clock: () => number
}

/** Compares rows and objects, both ways, also while a server runs. */
export async function verifyFiles(
  state: State,
  objects: ObjectStore,
  work: VerifyWork,
): Promise<FileVerification> {
  const findings: FileFinding[] = []
  const report = async (problem: FileProblem, object: string, repair?: () => Promise<unknown>) => {
    const repairs = work.repair && repair !== undefined
    if (repairs) await repair()
    findings.push({ problem, object, repaired: repairs })
  }
  let [done, total] = [0, await countFiles(state)]
  const step = (by: number) => {
    work.signal?.throwIfAborted()
    done += by
    total = Math.max(total, done)
    work.onProgress?.(done, total)
  }
  step(0)
  const files = await checkRows(state, objects, report, step)
  const found = await checkObjects(state, objects, work, report, step)
  await checkUploads(state, objects, work, report)
  if (work.repair) {
    await objects.sweep(work.clock() - SETTLED_MS)
    const repaired = findings.filter((finding) => finding.repaired).length
    await state.transaction(async (transaction) => {
      state.audit.append(transaction, { actor: work.actor, action: 'file.repair', detail: { repaired } })
    })
  }
  return { files, objects: found, findings }
}

type Report = (problem: FileProblem, object: string, repair?: () => Promise<unknown>) => Promise<void>

async function checkRows(
  state: State,
  objects: ObjectStore,
  report: Report,
  step: (by: number) => void,
): Promise<number> {
  const store = createFileStore(state)
  const uploads = createUploads(store, objects)
  let files = 0
  let after = { application: '', id: '' }
  for (;;) {
    const page = await pageOfFiles(state, after)
    for (let from = 0; from < page.length; from += HEADS_AT_ONCE) {
      const some = page.slice(from, from + HEADS_AT_ONCE)
      const infos = await Promise.all(some.map((file) => objects.head(objectOf(file))))
      for (const [index, file] of some.entries()) {
        const bytes = infos[index]?.bytes
        if (bytes === file.bytes) continue
        // It may have been deleted since the page was read.
        if ((await store.find(file.applicationId, file.id))?.state !== 'complete') continue
        if (bytes !== undefined) await report('wrong-size', objectOf(file))
        else await report('object-missing', objectOf(file), () => uploads.remove(file))
      }
      step(some.length)
    }
    files += page.length
    const last = page.at(-1)
    if (last === undefined) return files
    after = { application: last.applicationId, id: last.id }
  }
}

async function pageOfFiles(state: State, after: { application: string; id: string }): Promise<StoredFile[]> {
  const rows = await state.db
    .selectFrom('files')
    .selectAll()
    .where('state', '=', 'complete')
    .where((where) =>
      where.or([
        where('application_id', '>', after.application),
        where.and([where('application_id', '=', after.application), where('id', '>', after.id)]),
      ]),
    )
    .orderBy('application_id')
    .orderBy('id')
    .limit(ROWS_AT_ONCE)
    .execute()
  return rows.map(fileOf)
}

async function checkObjects(
  state: State,
  objects: ObjectStore,
  { clock }: VerifyWork,
  report: Report,
  step: (by: number) => void,
): Promise<number> {
  let count = 0
  for await (const { name } of objects.list(FILES_PREFIX)) {
    count++
    if (count % ROWS_AT_ONCE === 0) step(0)
    if (await hasRow(state, name)) continue
    // A row goes after its object: one that is still there has none.
    if ((await objects.head(name)) !== undefined)
      await report('row-missing', name, () => objects.delete(name))
  }
  for await (const { name, at } of objects.list(TAILS_PREFIX)) {
    if (at > clock() - SETTLED_MS) continue
    const row = await state.db.selectFrom('files').select('id').where('tail', '=', name).executeTakeFirst()
    if (row === undefined) await report('upload-left', name, () => objects.delete(name))
  }
  return count
}

async function checkUploads(
  state: State,
  objects: ObjectStore,
  { clock }: VerifyWork,
  report: Report,
): Promise<void> {
  for await (const { name, upload, at } of objects.uploads(FILES_PREFIX)) {
    if (at > clock() - SETTLED_MS) continue
    const row = await rowOf(state, name)
    if (row?.upload !== upload) await report('upload-left', name, () => objects.abort({ name, upload }))
  }
}

async function hasRow(state: State, name: string): Promise<boolean> {
  return (await rowOf(state, name)) !== undefined
}

function rowOf(state: State, name: string) {
  const [application = '', id = ''] = name.slice(FILES_PREFIX.length).split('/')
  return state.db
    .selectFrom('files')
    .select(['id', 'upload'])
    .where('application_id', '=', application)
    .where('id', '=', id)
    .executeTakeFirst()
}

async function countFiles(state: State): Promise<number> {
  const { count } = await state.db
    .selectFrom('files')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('state', '=', 'complete')
    .executeTakeFirstOrThrow()
  return Number(count)
}
