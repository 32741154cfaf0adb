import { type CryptoBackend, fromUtf8, KeyhavenError, randomId, toBase64url, utf8 } from '@keyhaven/crypto'
import { drawUin } from '../../repository/draw-identifier.ts'
import type {
  FileCategory,
  RecordObjects,
  RecordSealer,
  RecordStatus,
  RepositoryReads,
  RepositoryStore,
  StoredFileRef,
  StoredRecord,
  StoredVersion,
} from './ports.ts'
import { createVids, type PersonNumber, type Vids } from './vids.ts'

export type RepositoryIdType = 'UIN' | 'VID'

const RECORD_ID_BYTES = 16
const REF_CHARACTERS = 22
const MAX_DRAWS = 100
const ID = { UIN: /^\d{10}$/, VID: /^\d{16}$/ } as const

/** A document (K7.1) or a CBEFF file (K7.2). */
export interface IdentityFile {
  readonly category: FileCategory
  readonly field: string
  readonly format: string
  readonly bytes: Uint8Array
}

export interface IdentityData {
  /** Registration that brings it; the same again does nothing. */
  readonly rid: string
  /** By the fields of the ID schema. */
  readonly identity: Readonly<Record<string, unknown>>
  readonly files: readonly IdentityFile[]
}

export interface Identity extends IdentityData {
  readonly record: string
  readonly uin: string
  readonly version: number
  readonly createdAt: number
  readonly changedAt: number
}

/** One change, without what it says of the person. */
export interface IdentityHistoryEntry {
  readonly version: number
  readonly rid: string
  readonly files: readonly Pick<StoredFileRef, 'category' | 'field' | 'format'>[]
  readonly createdAt: number
}

/** Under which numbers an active person is known, and since which registration. */
export interface PersonNumbers {
  /** Registration that brought the newest data. */
  readonly rid: string
  /** The UIN, then the VIDs in effect. */
  readonly numbers: readonly PersonNumber[]
}

export interface IdentitySummary {
  readonly record: string
  readonly status: RecordStatus
  readonly version: number
  readonly createdAt: number
  readonly changedAt: number
}

/**
 * Who has which number, and what is known of him. `id` is a UIN or a VID; whoever is not there, and every
 * number that cannot be one, is `NOT_FOUND`. Nothing in clear leaves the memory of the process.
 */
export interface IdentityRepository extends Vids {
  /** A free number for a registration; the same registration has the same one for ever. */
  giveUin(rid: string): Promise<{ readonly record: string; readonly uin: string }>
  /** The first data of a person. @throws KeyhavenError `CONFLICT` if the registration gave none. */
  add(data: IdentityData): Promise<{ readonly record: string; readonly version: number }>
  /** A further version; earlier ones stay. @throws KeyhavenError `ACCESS_DENIED` if it is blocked. */
  update(id: string, type: RepositoryIdType, data: IdentityData): Promise<{ readonly version: number }>
  /**
   * A further version in which fields and files that are given take the place of those of the same name; all others stay.
   *
   * @throws KeyhavenError `NOT_FOUND`, `ACCESS_DENIED` if it is blocked.
   */
  amend(uin: string, data: IdentityData): Promise<{ readonly version: number }>
  /**
   * @param categories - which files to read with it.
   * @throws KeyhavenError `ACCESS_DENIED` if it is blocked or deactivated; `FILE_DAMAGED` if what is stored is
   *   not what was put there; `OPEN_FAILED`.
   */
  retrieve(id: string, type: RepositoryIdType, categories?: readonly FileCategory[]): Promise<Identity>
  /** The number that a registration was given. */
  uinOf(rid: string): Promise<string>
  uinOfRecord(record: string): Promise<string>
  summary(id: string, type: RepositoryIdType): Promise<IdentitySummary>
  /** Blocks, deactivates or makes active again. */
  setStatus(
    id: string,
    type: RepositoryIdType,
    status: Exclude<RecordStatus, 'RESERVED'>,
    actor: string,
  ): Promise<IdentitySummary>
  /** Of an active person; undefined: nobody is to hear of this record. */
  numbersOf(record: string): Promise<PersonNumbers | undefined>
  /** A page of all active people, in the order of their records. @param after - empty: from the first. */
  activeRecords(after: string, limit: number): Promise<readonly string[]>
  countActive(): Promise<number>
  /** Oldest first. */
  history(id: string, type: RepositoryIdType): Promise<readonly IdentityHistoryEntry[]>
}

export interface RepositoryParts {
  readonly backend: CryptoBackend
  readonly store: RepositoryStore
  readonly objects: RecordObjects
  readonly sealer: RecordSealer
  /** Where the objects lie: `identity/APPLICATION/PROFILE`. */
  readonly prefix: string
  readonly clock: () => number
}

export function createIdentityRepository(parts: RepositoryParts): IdentityRepository {
  const { backend, store, objects, sealer, prefix } = parts

  const find = async (reads: RepositoryReads, id: string, type: RepositoryIdType): Promise<StoredRecord> => {
    if (!ID[type].test(id)) throw unknownIdentity()
    const tag = await sealer.tag(id)
    if (type === 'UIN') return required(await reads.findByTag(tag))
    const vid = await reads.findVid(tag)
    if (vid?.status !== 'ACTIVE' || (vid.expiresAt ?? Number.POSITIVE_INFINITY) <= parts.clock()) {
      throw unknownIdentity()
    }
    return required(await reads.findRecord(vid.record))
  }
  const required = (record: StoredRecord | undefined): StoredRecord => {
    if (record === undefined || record.status === 'RESERVED') throw unknownIdentity()
    return record
  }

  const nameOf = (record: StoredRecord, { category, ref }: Pick<StoredFileRef, 'category' | 'ref'>) =>
    `${prefix}/${sealer.folder(record)}/${category}/${ref}`

  /** Under a name that only this version has: a second try writes the same again. */
  const putFile = async (
    record: StoredRecord,
    version: number,
    rid: string,
    { category, field, format, bytes }: IdentityFile,
  ): Promise<StoredFileRef> => {
    const hash = await backend.sha256(utf8(`${rid}/${version}/${category}/${field}`))
    const ref = toBase64url(hash).slice(0, REF_CHARACTERS)
    const file = { category, field, format, ref, digest: await sealer.digest(record.record, bytes) }
    await objects.put(nameOf(record, file), await sealer.sealFile(record.record, file, bytes))
    return file
  }

  const getFile = async (record: StoredRecord, file: StoredFileRef): Promise<IdentityFile> => {
    const sealed = await objects.get(nameOf(record, file))
    if (sealed === undefined) throw damaged()
    const bytes = await sealer.openFile(record.record, file, sealed)
    if ((await sealer.digest(record.record, bytes)) !== file.digest) throw damaged()
    const { category, field, format } = file
    return { category, field, format, bytes }
  }

  const sealVersion = async (
    record: StoredRecord,
    version: number,
    { rid, identity, files }: IdentityData,
  ): Promise<Omit<StoredVersion, 'createdAt'>> => {
    const json = utf8(JSON.stringify(identity))
    const refs: StoredFileRef[] = []
    for (const file of files) refs.push(await putFile(record, version, rid, file))
    return {
      ...{ record: record.record, version, rid, files: refs },
      data: await sealer.sealIdentity(record.record, version, json),
      digest: await sealer.digest(record.record, json),
    }
  }

  /** Adds a version if the record is still as it was read. @returns false if it is not. */
  const storeVersion = (record: StoredRecord, sealed: Omit<StoredVersion, 'createdAt'>): Promise<boolean> =>
    store.transaction(async (transaction) => {
      const present = await transaction.lock(record.record)
      if (present?.version !== record.version || present.status !== record.status) return false
      await transaction.insertVersion({ ...sealed, createdAt: transaction.now })
      const { version } = sealed
      await transaction.saveRecord({ ...present, status: 'ACTIVATED', version, changedAt: transaction.now })
      const created = version === 1
      transaction.audit({
        ...(created ? { action: 'identity.record.create' } : { action: 'identity.record.update' }),
        actor: 'system',
        subject: record.record,
        detail: { rid: sealed.rid, version },
      })
      await transaction.changed({ kind: created ? 'created' : 'updated', record: record.record, version })
      return true
    })

  /** What is kept of a person now, in clear. */
  const readNewest = async (record: StoredRecord) => {
    const stored = await store.findVersion(record.record, record.version)
    if (stored === undefined) throw damaged()
    const json = await sealer.openIdentity(record.record, stored.version, stored.data)
    if ((await sealer.digest(record.record, json)) !== stored.digest) throw damaged()
    return { stored, identity: JSON.parse(fromUtf8(json)) as Record<string, unknown> }
  }

  const openUin = async (record: StoredRecord | undefined): Promise<string> => {
    if (record === undefined) throw unknownIdentity()
    return sealer.openId(record.record, 'uin', record.uin)
  }

  const giveUin = async (rid: string): Promise<{ record: string; uin: string }> => {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const given = await store.findByRid(rid)
      if (given !== undefined) {
        return { record: given.record, uin: await sealer.openId(given.record, 'uin', given.uin) }
      }
      const uin = drawUin(backend)
      const record = randomId(backend, RECORD_ID_BYTES)
      const row = { record, tag: await sealer.tag(uin), uin: await sealer.sealId(record, 'uin', uin) }
      const fresh = await store.transaction(({ now, insertRecord }) =>
        insertRecord({ ...row, status: 'RESERVED', version: 0, rid, createdAt: now, changedAt: now }),
      )
      if (fresh) return { record, uin }
    }
    throw new KeyhavenError('STORE_UNAVAILABLE', 'no free number was found: they are nearly used up')
  }

  const { activeVids, ...vids } = createVids(parts, (id) => find(store, id, 'UIN'))
  return {
    ...vids,
    giveUin,

    async numbersOf(id) {
      const record = await store.findRecord(id)
      if (record?.status !== 'ACTIVATED') return undefined
      const newest = (await store.versions(id)).at(-1)
      if (newest === undefined) throw damaged()
      const uin: PersonNumber = {
        ...{ id: await sealer.openId(id, 'uin', record.uin), idType: 'UIN', tag: record.tag },
        ...{ expiresAt: null, transactionLimit: null },
      }
      return { rid: newest.rid, numbers: [uin, ...(await activeVids(id))] }
    },

    async add(data) {
      const { record: id } = await giveUin(data.rid)
      for (;;) {
        const record = (await store.findRecord(id))!
        if (record.version > 0) return { record: id, version: 1 }
        if (await storeVersion(record, await sealVersion(record, 1, data))) return { record: id, version: 1 }
      }
    },

    async update(id, type, data) {
      for (;;) {
        const record = await find(store, id, type)
        requireActive(record)
        const before = (await store.versions(record.record)).find(({ rid }) => rid === data.rid)
        if (before !== undefined) return { version: before.version }
        const version = record.version + 1
        if (await storeVersion(record, await sealVersion(record, version, data))) return { version }
      }
    },

    async amend(uin, data) {
      for (;;) {
        const record = await find(store, uin, 'UIN')
        requireActive(record)
        const before = (await store.versions(record.record)).find(({ rid }) => rid === data.rid)
        if (before !== undefined) return { version: before.version }
        const { stored, identity } = await readNewest(record)
        const isReplaced = (old: StoredFileRef) =>
          data.files.some(({ category, field }) => category === old.category && field === old.field)
        const version = record.version + 1
        const merged = { ...data, identity: { ...identity, ...data.identity } }
        const sealed = await sealVersion(record, version, merged)
        const files = [...stored.files.filter((old) => !isReplaced(old)), ...sealed.files]
        if (await storeVersion(record, { ...sealed, files })) return { version }
      }
    },

    async retrieve(id, type, categories = []) {
      const record = await find(store, id, type)
      requireActive(record)
      const { stored, identity } = await readNewest(record)
      const { version, rid, createdAt } = stored
      const wanted = stored.files.filter(({ category }) => categories.includes(category))
      const files: IdentityFile[] = []
      for (const file of wanted) files.push(await getFile(record, file))
      return {
        ...{ record: record.record, version, rid, files },
        uin: await sealer.openId(record.record, 'uin', record.uin),
        ...{ identity, createdAt: record.createdAt, changedAt: createdAt },
      }
    },

    uinOf: async (rid) => openUin(await store.findByRid(rid)),
    uinOfRecord: async (record) => openUin(await store.findRecord(record)),

    activeRecords: store.activeRecords,
    countActive: store.countActive,

    summary: async (id, type) => summaryOf(await find(store, id, type)),

    async setStatus(id, type, status, actor) {
      const { record } = await find(store, id, type)
      return store.transaction(async (transaction) => {
        const present = required(await transaction.lock(record))
        if (present.status === status) return summaryOf(present)
        const changed = { ...present, status, changedAt: transaction.now }
        await transaction.saveRecord(changed)
        const detail = { from: present.status, to: status }
        transaction.audit({ action: 'identity.record.status', actor, subject: record, detail })
        await transaction.changed({ kind: 'status', record, status })
        return summaryOf(changed)
      })
    },

    async history(id, type) {
      const { record } = await find(store, id, type)
      return (await store.versions(record)).map(({ version, rid, files, createdAt }) => ({
        ...{ version, rid, createdAt },
        files: files.map(({ category, field, format }) => ({ category, field, format })),
      }))
    },
  }
}

function summaryOf({ record, status, version, createdAt, changedAt }: StoredRecord): IdentitySummary {
  return { record, status, version, createdAt, changedAt }
}

function requireActive({ status }: StoredRecord): void {
  if (status !== 'ACTIVATED') {
    throw new KeyhavenError('ACCESS_DENIED', `the identity is ${status.toLowerCase()}`)
  }
}

/** The same for all, whatever is missing. */
export function unknownIdentity(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such identity')
}

function damaged(): KeyhavenError {
  return new KeyhavenError('FILE_DAMAGED', 'what is stored of this identity is not what was put there')
}
