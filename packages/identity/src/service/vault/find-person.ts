import { fromUtf8, overwrite, utf8 } from '@keyhaven/crypto'
import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import { generationOf } from '../../vault/pool-index.ts'
import type { IdaLookUp, IdaProfile } from './ida-profile.ts'
import type { StoredAttribute, StoredIdaRecord } from './ida-store.ts'
import type { FoundPerson, IdaRecord } from './ida-vault.ts'
import type { IdaVaultOptions } from './ida-vault-options.ts'
import { asOpenFailed } from './mosip-vault.ts'
import type { Pool } from './pool.ts'

const TWO_TO_THE_32 = 0x1_0000_0000

interface Parts {
  readonly options: IdaVaultOptions
  readonly pool: Pool
  readonly profile: IdaProfile
}

/** Looks a person up by every hash or tag that the id may be stored under. */
export async function findPerson(
  parts: Parts,
  id: string,
  request: PartnerSignedRequest | undefined,
): Promise<FoundPerson | undefined> {
  const { store } = parts.options
  const lookUps = await parts.profile.lookUps(id, request, store)
  const records = await Promise.all(lookUps.map(({ idHash }) => store.find(idHash)))
  const at = records.findIndex((record) => record !== undefined && record.state !== 'removed')
  const record = records[at]
  const lookUp = lookUps[at]
  // The newest is kept beside the one that was found: an order is good for one evaluation with each key.
  const newest = record && lookUps[0]
  for (const other of lookUps) if (other !== lookUp && other !== newest) other.close()
  if (record === undefined || lookUp === undefined) return undefined
  return createPerson(parts, id, request, { lookUp, newest: newest ?? lookUp }, record)
}

async function createPerson(
  { options, pool: keys, profile }: Parts,
  id: string,
  request: PartnerSignedRequest | undefined,
  { lookUp, newest }: { readonly lookUp: IdaLookUp; readonly newest: IdaLookUp },
  record: StoredIdaRecord,
): Promise<FoundPerson> {
  const { store, clock } = options
  const names = await store.attributeNames(record.idHash)
  let opened = false

  const plaintext = async (attribute: StoredAttribute): Promise<Uint8Array> => {
    if (!attribute.sealed) return utf8(attribute.value)
    try {
      return await lookUp.open(record, attribute.name, attribute.value)
    } catch (error) {
      throw asOpenFailed(error)
    }
  }

  /** Re-encryption on use: under a key of the newest generation that is here, and the newest PRF key. */
  const renew = async (): Promise<void> => {
    const [pool] = await store.generations()
    const next = await profile.newest(id, newest, request)
    const target = next ?? newest
    try {
      if (pool === undefined || (target === lookUp && record.generation >= pool.generation)) return
      const random = new DataView(options.backend.randomBytes(4).buffer).getUint32(0) / TWO_TO_THE_32
      const chosen = await store.anyOfNewest(random)
      if (chosen === undefined) return
      const poolKey = await keys.open(chosen.index)
      try {
        const attributes: StoredAttribute[] = []
        for (const attribute of await store.attributes(record.idHash)) {
          if (!attribute.sealed) attributes.push(attribute)
          else {
            const bytes = await plaintext(attribute)
            const key = { index: chosen.index, poolKey }
            attributes.push({ ...attribute, value: await target.seal(record, attribute.name, bytes, key) })
            overwrite(bytes)
          }
        }
        const generation = generationOf(chosen.index)
        const { idHash, oprfKey } = target
        await store.replace(record.idHash, record.revision, { idHash, generation, oprfKey, attributes })
      } finally {
        overwrite(poolKey)
      }
    } finally {
      next?.close()
    }
  }

  return {
    record: toRecord(record, names),
    async open(wanted) {
      const found = await store.attributes(record.idHash, wanted)
      const values = new Map<string, string>()
      for (const attribute of found) {
        const bytes = await plaintext(attribute)
        values.set(attribute.name, fromUtf8(bytes))
        overwrite(bytes)
      }
      opened = true
      return values
    },
    use: () => store.use(record.idHash, clock()),
    async close() {
      try {
        if (opened) await renew()
      } catch (error) {
        options.onError(error)
      } finally {
        lookUp.close()
        newest.close()
      }
    },
  }
}

function toRecord(record: StoredIdaRecord, attributes: readonly string[]): IdaRecord {
  const { idHash, credentialId, policy, token, state, issuedAt, expiresAt, transactionsLeft } = record
  return { idHash, credentialId, policy, token, state, issuedAt, expiresAt, transactionsLeft, attributes }
}
