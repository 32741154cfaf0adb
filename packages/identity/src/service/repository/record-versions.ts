import { fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import type { IdentityData, IdentityFile, RepositoryParts } from './identity-repository.ts'
import type { StoredFileRef, StoredRecord, StoredVersion } from './ports.ts'

const REF_CHARACTERS = 22

type SealedVersion = Omit<StoredVersion, 'createdAt'>

/** A person's data as of each change: sealed, in the tables and the object store. */
export interface RecordVersions {
  /** Files are in the object store when it returns; {@link append} makes them count. */
  seal(record: StoredRecord, version: number, data: IdentityData): Promise<SealedVersion>
  /** Adds a version if the record is still as it was read. @returns false if it is not. */
  append(record: StoredRecord, sealed: SealedVersion): Promise<boolean>
  /** What is kept of a person now, in clear. */
  readNewest(
    record: StoredRecord,
  ): Promise<{ readonly stored: StoredVersion; readonly identity: Record<string, unknown> }>
  /** @throws KeyhavenError `FILE_DAMAGED`, `OPEN_FAILED`. */
  getFile(record: StoredRecord, file: StoredFileRef): Promise<IdentityFile>
}

export function createRecordVersions({
  backend,
  store,
  objects,
  sealer,
  prefix,
}: RepositoryParts): RecordVersions {
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

  return {
    async seal(record, version, { rid, identity, files }) {
      const json = utf8(JSON.stringify(identity))
      const refs: StoredFileRef[] = []
      for (const file of files) refs.push(await putFile(record, version, rid, file))
      return {
        ...{ record: record.record, version, rid, files: refs },
        data: await sealer.sealIdentity(record.record, version, json),
        digest: await sealer.digest(record.record, json),
      }
    },

    append: (record, sealed) =>
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
      }),

    async readNewest(record) {
      const stored = await store.findVersion(record.record, record.version)
      if (stored === undefined) throw damaged()
      const json = await sealer.openIdentity(record.record, stored.version, stored.data)
      if ((await sealer.digest(record.record, json)) !== stored.digest) throw damaged()
      return { stored, identity: JSON.parse(fromUtf8(json)) as Record<string, unknown> }
    },

    async getFile(record, file) {
      const sealed = await objects.get(nameOf(record, file))
      if (sealed === undefined) throw damaged()
      const bytes = await sealer.openFile(record.record, file, sealed)
      if ((await sealer.digest(record.record, bytes)) !== file.digest) throw damaged()
      const { category, field, format } = file
      return { category, field, format, bytes }
    },
  }
}

export function damaged(): KeyhavenError {
  return new KeyhavenError('FILE_DAMAGED', 'what is stored of this identity is not what was put there')
}
