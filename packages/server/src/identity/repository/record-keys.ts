import { randomBytes } from 'node:crypto'
import { AEAD_KEY_BYTES, backend, overwrite, utf8, Writer } from '@keyhaven/crypto'
import type { RecordKeys } from '@keyhaven/identity/service'
import type { WrapContext } from '@keyhaven/keys'
import type { State } from '../../platform/state/state.ts'

const IDS = ['tag', 'data'] as const
const DERIVED_BYTES = 32

/** The keys of an application's records: made at first use, wrapped in the database, then in memory. */
export function createRecordKeys(state: State, applicationId: string): () => Promise<RecordKeys> {
  let known: Promise<RecordKeys> | undefined
  const read = async (): Promise<Map<string, Uint8Array>> => {
    const rows = await state.db
      .selectFrom('identity_record_keys')
      .select(['id', 'wrapped_key'])
      .where('application_id', '=', applicationId)
      .execute()
    return new Map(rows.map((row) => [row.id, row.wrapped_key]))
  }
  const make = (): Promise<void> =>
    state.transaction(async (transaction) => {
      for (const id of IDS) {
        const key = randomBytes(AEAD_KEY_BYTES['aes-256-gcm'])
        const wrapped = await state.wrapper.wrap(key, contextOf(applicationId, id))
        overwrite(key)
        const masterKeyId = state.wrapper.masterKeyIdOf(wrapped)
        transaction.effects.masterKeyIds.add(masterKeyId)
        await transaction.db
          .insertInto('identity_record_keys')
          .values({ application_id: applicationId, id, wrapped_key: wrapped, master_key_id: masterKeyId })
          .onConflict((conflict) => conflict.columns(['application_id', 'id']).doNothing())
          .execute()
      }
    })
  const load = async (): Promise<RecordKeys> => {
    let wrapped = await read()
    if (wrapped.size < IDS.length) {
      await make()
      wrapped = await read()
    }
    const open = async (id: (typeof IDS)[number]) =>
      state.wrapper.unwrap(wrapped.get(id)!, contextOf(applicationId, id))
    return { tagKey: await open('tag'), dataKey: await open('data') }
  }
  return () => {
    known ??= load().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

/**
 * A key that follows from one of an application's, for one use: HKDF-SHA-256 with the label as salt and the
 * application (u8 length, UTF-8) as info, 32 bytes.
 */
export async function deriveRecordKey(
  secret: Uint8Array,
  label: string,
  applicationId: string,
): Promise<Uint8Array> {
  const prk = await backend.hkdfExtract(utf8(label), secret)
  return backend.hkdfExpand(prk, new Writer().bytes8(utf8(applicationId)).done(), DERIVED_BYTES)
}

function contextOf(applicationId: string, id: string): WrapContext {
  return { purpose: 'identity-record-key', applicationId, id }
}
