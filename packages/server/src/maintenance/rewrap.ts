import { KeyhavenError, overwrite } from '@keyhaven/crypto'
import type { KeyPurpose, WrapContext } from '@keyhaven/keys'
import { conversationKeyContext, type KeyObjects, keyObjectName } from '../conversations/key-vault.ts'
import { countModuleKeysToMove, moveModuleKeys } from '../identity/keys/move-module-keys.ts'
import type { Config } from '../platform/config/config.ts'
import type { Db } from '../platform/database/schema.ts'
import type { ObjectStore } from '../platform/objects/object-store.ts'
import { openObjectStore } from '../platform/objects/open-object-store.ts'
import { EVERYTHING, lockStateHead } from '../platform/state/commit-effects.ts'
import { openState } from '../platform/state/open-state.ts'
import type { State } from '../platform/state/state.ts'
import type { LocalWrapper } from '../platform/wrappers/local-wrapper.ts'
import { addMasterKey, keepOnlyMasterKey, readMasterKeyIds } from '../platform/wrappers/master-keyring.ts'
import { keyringLocation } from '../platform/wrappers/open-master-keys.ts'
import type { LongWork } from './long-work.ts'

const KEYS_PER_TRANSACTION = 200

export interface RewrapOptions extends LongWork {
  readonly actor: string
  /**
   * `prepare` only adds the new master key to the keyring and uses it for nothing yet: for several machines,
   * so that the keyring can be copied to all of them before the keys move. Default: everything.
   */
  readonly only?: 'prepare'
}

/** Opens the object store, where conversations' keys may lie; it is not needed where none does. */
type OpenObjects = () => Promise<KeyObjects>

export interface RewrapSummary {
  /** The master key that holds everything now. */
  readonly masterKeyId: string
  /** Keys moved by this run. */
  readonly moved: number
  /** Master keys that were dropped. */
  readonly dropped: readonly string[]
  /** True if an earlier run that was cut was finished, so that no new master key was made. */
  readonly resumed: boolean
}

/**
 * Moves every private key to a new master key, in batches, while the server runs; then drops the old one. A
 * run that is cut is finished by the next. Backups made before hold keys under the old master key: keep its
 * keyring with them.
 *
 * @throws KeyhavenError `STORE_UNAVAILABLE`, `CONFIG_INVALID`.
 */
export async function rewrap(config: Config, options: RewrapOptions): Promise<RewrapSummary> {
  const state = await openState(config, { schedule: false })
  let opened: Promise<ObjectStore> | undefined
  const objects = (): Promise<ObjectStore> => {
    opened ??= openObjectStore(config.objects)
    return opened
  }
  try {
    return await rewrapState(state, options, objects)
  } finally {
    const store = await opened?.catch(() => undefined)
    store?.close()
    await state.close()
  }
}

async function rewrapState(
  state: State,
  options: RewrapOptions,
  objects: OpenObjects,
): Promise<RewrapSummary> {
  const wrapper = state.wrapper as LocalWrapper
  const location = keyringLocation(state.config)
  const begun = await state.transaction(async (transaction) => {
    const head = await lockStateHead(transaction.db, state.dialect)
    const present = readMasterKeyIds(location)
    if (present === undefined)
      throw new KeyhavenError('CONFIG_INVALID', `there is no master keyring ${location.file}`)
    // Under the lock, so that two runs cannot add a key each.
    const resumed = present.length > 1
    const [masterKeyId = '', ...from] = resumed ? present : addMasterKey(location, transaction.now)
    if (options.only !== 'prepare' && head.master_key_id !== masterKeyId) {
      // From the commit on no transaction anywhere can store a key under the old one.
      await transaction.db.updateTable('state_head').set({ master_key_id: masterKeyId }).execute()
      transaction.changed(EVERYTHING)
      state.audit.append(transaction, {
        actor: options.actor,
        action: 'keys.rewrap',
        detail: { step: 'begin', from, to: masterKeyId },
      })
    }
    return { masterKeyId, from, resumed }
  })
  const { masterKeyId, resumed } = begun
  if (options.only === 'prepare') return { masterKeyId, moved: 0, dropped: [], resumed }

  wrapper.use(masterKeyId)
  const moved = await moveKeys(state, masterKeyId, options, objects)
  await state.transaction(async (transaction) => {
    await lockStateHead(transaction.db, state.dialect)
    if ((await countOthers(transaction.db, masterKeyId)) > 0) {
      throw new KeyhavenError('CONFLICT', 'keys are still under the old master key: run it again')
    }
    transaction.changed(EVERYTHING)
    state.audit.append(transaction, {
      actor: options.actor,
      action: 'keys.rewrap',
      detail: { step: 'end', dropped: begun.from, to: masterKeyId, moved },
    })
  })
  // Only now: whatever was cut before, the keyring still opens every key.
  keepOnlyMasterKey(location, masterKeyId)
  return { masterKeyId, moved, dropped: begun.from, resumed }
}

async function moveKeys(
  state: State,
  masterKeyId: string,
  options: RewrapOptions,
  objects: OpenObjects,
): Promise<number> {
  const total = await countOthers(state.db, masterKeyId)
  let moved = 0
  options.onProgress?.(moved, total)
  for (;;) {
    options.signal?.throwIfAborted()
    const inBatch = await state.transaction(async (transaction) => {
      // Blocks a revocation of these keys until the batch is stored; the revocation then erases the new
      // bytes.
      const rows = await transaction.db
        .selectFrom('managed_keys')
        .select(['id', 'application_id', 'purpose', 'wrapped_private_key'])
        .where('master_key_id', 'is not', null)
        .where('master_key_id', '!=', masterKeyId)
        .orderBy('master_key_id')
        .orderBy('id')
        .limit(KEYS_PER_TRANSACTION)
        .$if(state.dialect === 'postgres', (query) => query.forUpdate())
        .execute()
      for (const row of rows) {
        if (row.wrapped_private_key === null) continue
        const context = { purpose: row.purpose as KeyPurpose, applicationId: row.application_id, id: row.id }
        const wrapped = await moveKey(state, row.wrapped_private_key, context)
        await transaction.db
          .updateTable('managed_keys')
          .set({ wrapped_private_key: wrapped, master_key_id: masterKeyId })
          .where('id', '=', row.id)
          .execute()
      }
      if (rows.length > 0) transaction.effects.masterKeyIds.add(masterKeyId)
      return rows.length
    })
    // The keys of conversations come last: what opens calls moves first.
    const inBoth = inBatch === 0 ? await moveConversationKeys(state, masterKeyId, objects) : inBatch
    const inThree = inBoth === 0 ? await moveRecordKeys(state, masterKeyId) : inBoth
    const move = (wrapped: Uint8Array, context: WrapContext) => moveKey(state, wrapped, context)
    const inAll = inThree === 0 ? await moveModuleKeys(state, masterKeyId, move) : inThree
    if (inAll === 0) return moved
    moved += inAll
    options.onProgress?.(moved, Math.max(total, moved))
  }
}

/** Keys of conversations, in the database or in the object store. @returns how many; 0 once there are no more. */
async function moveConversationKeys(
  state: State,
  masterKeyId: string,
  objects: OpenObjects,
): Promise<number> {
  return state.transaction(async (transaction) => {
    const rows = await transaction.db
      .selectFrom('conversation_keys')
      .select(['id', 'application_id', 'conversation', 'wrapped_key', 'stored_in'])
      .where('master_key_id', 'is not', null)
      .where('master_key_id', '!=', masterKeyId)
      .orderBy('master_key_id')
      .orderBy('application_id')
      .orderBy('id')
      .limit(KEYS_PER_TRANSACTION)
      .$if(state.dialect === 'postgres', (query) => query.forUpdate())
      .execute()
    for (const row of rows) {
      const place = { application: row.application_id, conversation: row.conversation, key: row.id }
      const context = conversationKeyContext(place)
      const inObjects = row.stored_in === 'objects'
      const present = inObjects ? await fetchObject(objects, keyObjectName(place)) : row.wrapped_key!
      const wrapped = await moveKey(state, present, context)
      // An object is whole under either master key, both of which are there until all have moved.
      if (inObjects) await (await objects()).put(keyObjectName(place), wrapped)
      await transaction.db
        .updateTable('conversation_keys')
        .set({ wrapped_key: inObjects ? null : wrapped, master_key_id: masterKeyId })
        .where('application_id', '=', row.application_id)
        .where('id', '=', row.id)
        .execute()
    }
    if (rows.length > 0) transaction.effects.masterKeyIds.add(masterKeyId)
    return rows.length
  })
}

/** Keys of identities' records. @returns how many; 0 once there are no more. */
async function moveRecordKeys(state: State, masterKeyId: string): Promise<number> {
  return state.transaction(async (transaction) => {
    const rows = await transaction.db
      .selectFrom('identity_record_keys')
      .select(['id', 'application_id', 'wrapped_key'])
      .where('master_key_id', '!=', masterKeyId)
      .limit(KEYS_PER_TRANSACTION)
      .$if(state.dialect === 'postgres', (query) => query.forUpdate())
      .execute()
    for (const { id, application_id, wrapped_key } of rows) {
      const context = { purpose: 'identity-record-key', applicationId: application_id, id } as const
      await transaction.db
        .updateTable('identity_record_keys')
        .set({ wrapped_key: await moveKey(state, wrapped_key, context), master_key_id: masterKeyId })
        .where('application_id', '=', application_id)
        .where('id', '=', id)
        .execute()
    }
    if (rows.length > 0) transaction.effects.masterKeyIds.add(masterKeyId)
    return rows.length
  })
}

async function fetchObject(objects: OpenObjects, name: string): Promise<Uint8Array> {
  const bytes = await (await objects()).get(name)
  if (bytes !== undefined) return bytes
  throw new KeyhavenError('STORE_UNAVAILABLE', 'a wrapped key is not in the object store: is it configured?')
}

async function moveKey(state: State, wrapped: Uint8Array, context: WrapContext): Promise<Uint8Array> {
  const secret = await state.wrapper.unwrap(wrapped, context)
  try {
    return await state.wrapper.wrap(secret, context)
  } finally {
    overwrite(secret)
  }
}

async function countOthers(db: Db, masterKeyId: string): Promise<number> {
  let others = await countModuleKeysToMove(db, masterKeyId)
  for (const table of ['managed_keys', 'conversation_keys', 'identity_record_keys'] as const) {
    const { count } = await db
      .selectFrom(table)
      .select((column) => column.fn.countAll<number>().as('count'))
      .where('master_key_id', 'is not', null)
      .where('master_key_id', '!=', masterKeyId)
      .executeTakeFirstOrThrow()
    others += Number(count)
  }
  return others
}
