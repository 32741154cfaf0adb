import { KeyhavenError, randomId } from '@keyhaven/crypto'
import { drawUin } from '../../repository/draw-identifier.ts'
import type {
  IdentityData,
  IdentityFile,
  IdentityRepository,
  IdentitySummary,
  RepositoryIdType,
  RepositoryParts,
} from './identity-repository.ts'
import type { StoredFileRef, StoredRecord } from './ports.ts'
import { createRecordVersions, damaged, type RecordVersions } from './record-versions.ts'
import { createVids, type PersonNumber } from './vids.ts'

const RECORD_ID_BYTES = 16
const MAX_DRAWS = 100
const ID = { UIN: /^\d{10}$/, VID: /^\d{16}$/ } as const

export function createIdentityRepository(parts: RepositoryParts): IdentityRepository {
  const { backend, store, sealer } = parts
  const versions = createRecordVersions(parts)

  const find = async (id: string, type: RepositoryIdType): Promise<StoredRecord> => {
    if (!ID[type].test(id)) throw unknownIdentity()
    const tag = await sealer.tag(id)
    if (type === 'UIN') return required(await store.findByTag(tag))
    const vid = await store.findVid(tag)
    if (vid?.status !== 'ACTIVE' || (vid.expiresAt ?? Number.POSITIVE_INFINITY) <= parts.clock()) {
      throw unknownIdentity()
    }
    return required(await store.findRecord(vid.record))
  }
  const required = (record: StoredRecord | undefined): StoredRecord => {
    if (record === undefined || record.status === 'RESERVED') throw unknownIdentity()
    return record
  }

  const openUin = async (record: StoredRecord | undefined): Promise<string> => {
    if (record === undefined) throw unknownIdentity()
    return sealer.openId(record.record, 'uin', record.uin)
  }

  const giveUin = async (rid: string): Promise<{ record: string; uin: string }> => {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const given = await store.findByRid(rid)
      if (given !== undefined) return { record: given.record, uin: await openUin(given) }
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

  /** A further version, by whoever is first; the registration that brought one already brings no second. */
  const change = async (
    id: string,
    type: RepositoryIdType,
    { rid }: IdentityData,
    seal: (record: StoredRecord, version: number) => ReturnType<RecordVersions['seal']>,
  ): Promise<{ readonly version: number }> => {
    for (;;) {
      const record = await find(id, type)
      requireActive(record)
      const before = (await store.versions(record.record)).find((one) => one.rid === rid)
      if (before !== undefined) return { version: before.version }
      const version = record.version + 1
      if (await versions.append(record, await seal(record, version))) return { version }
    }
  }

  const { activeVids, ...vids } = createVids(parts, (id) => find(id, 'UIN'))
  return {
    ...vids,
    giveUin,

    async numbersOf(id) {
      const record = await store.findRecord(id)
      if (record?.status !== 'ACTIVATED') return undefined
      const newest = (await store.versions(id)).at(-1)
      if (newest === undefined) throw damaged()
      const uin: PersonNumber = {
        ...{ id: await openUin(record), idType: 'UIN', tag: record.tag },
        ...{ expiresAt: null, transactionLimit: null },
      }
      return { rid: newest.rid, numbers: [uin, ...(await activeVids(id))] }
    },

    async add(data) {
      const { record: id } = await giveUin(data.rid)
      for (;;) {
        const record = (await store.findRecord(id))!
        if (record.version > 0) return { record: id, version: 1 }
        const sealed = await versions.seal(record, 1, data)
        if (await versions.append(record, sealed)) return { record: id, version: 1 }
      }
    },

    update: (id, type, data) =>
      change(id, type, data, (record, version) => versions.seal(record, version, data)),

    amend: (uin, data) =>
      change(uin, 'UIN', data, async (record, version) => {
        const { stored, identity } = await versions.readNewest(record)
        const isReplaced = (old: StoredFileRef) =>
          data.files.some(({ category, field }) => category === old.category && field === old.field)
        const merged = { ...data, identity: { ...identity, ...data.identity } }
        const sealed = await versions.seal(record, version, merged)
        return { ...sealed, files: [...stored.files.filter((old) => !isReplaced(old)), ...sealed.files] }
      }),

    async retrieve(id, type, categories = []) {
      const record = await find(id, type)
      requireActive(record)
      const { stored, identity } = await versions.readNewest(record)
      const { version, rid, createdAt } = stored
      const wanted = stored.files.filter(({ category }) => categories.includes(category))
      const files: IdentityFile[] = []
      for (const file of wanted) files.push(await versions.getFile(record, file))
      return {
        ...{ record: record.record, version, rid, files },
        uin: await openUin(record),
        ...{ identity, createdAt: record.createdAt, changedAt: createdAt },
      }
    },

    uinOf: async (rid) => openUin(await store.findByRid(rid)),
    uinOfRecord: async (record) => openUin(await store.findRecord(record)),

    activeRecords: store.activeRecords,
    countActive: store.countActive,

    summary: async (id, type) => summaryOf(await find(id, type)),

    async setStatus(id, type, status, actor) {
      const { record } = await find(id, type)
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
      const { record } = await find(id, type)
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
function unknownIdentity(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such identity')
}
