import { createSecretKey } from 'node:crypto'
import { backend, KeyhavenError, overwrite } from '@keyhaven/crypto'
import {
  type AesModuleKey,
  type KeyName,
  keyNameText,
  type ModuleKeyHandle,
  type ModuleKeyKind,
  type ModuleKeys,
  type Profile,
  type RsaModuleKey,
} from '@keyhaven/identity'
import type { State } from '../../platform/state/state.ts'
import { aesModuleKey } from './aes-module-key.ts'
import { moduleKeyContext } from './module-key-context.ts'

const RSA_BITS = 2_048
const AES_KEY_BYTES = 32

/**
 * Root, module and master keys without an HSM: wrapped by the master keyring in the database, in memory while
 * the process runs. There are about a dozen of them for each application, so that none is ever forgotten.
 */
export function createLocalModuleKeys(state: State, applicationId: string, profile: Profile): ModuleKeys {
  const table = `identity_module_keys_${profile}` as const
  const handles = new Map<string, Promise<ModuleKeyHandle>>()

  const read = async (name: KeyName, kind: ModuleKeyKind, generation: number) => {
    const row = await state.db
      .selectFrom(table)
      .select(['kind', 'wrapped_key'])
      .where('application_id', '=', applicationId)
      .where('app_id', '=', name.appId)
      .where('ref_id', '=', name.refId)
      .where('generation', '=', generation)
      .executeTakeFirst()
    if (row !== undefined && row.kind !== kind) {
      throw new KeyhavenError('STORE_UNAVAILABLE', `the stored key ${keyNameText(name)} is of another kind`)
    }
    return row?.wrapped_key
  }

  /** Stores it unless another process was faster. */
  const store = (name: KeyName, kind: ModuleKeyKind, generation: number, secret: Uint8Array) =>
    state.transaction(async (transaction) => {
      const wrapped = await state.wrapper.wrap(
        secret,
        moduleKeyContext(applicationId, profile, name, generation),
      )
      const masterKeyId = state.wrapper.masterKeyIdOf(wrapped)
      transaction.effects.masterKeyIds.add(masterKeyId)
      await transaction.db
        .insertInto(table)
        .values({
          application_id: applicationId,
          app_id: name.appId,
          ref_id: name.refId,
          generation,
          kind,
          wrapped_key: wrapped,
          master_key_id: masterKeyId,
          created_at: transaction.now,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    })

  const open = async (name: KeyName, kind: ModuleKeyKind, generation: number): Promise<ModuleKeyHandle> => {
    let wrapped = await read(name, kind, generation)
    if (wrapped === undefined) {
      const made = await newSecret(kind)
      try {
        await store(name, kind, generation, made)
      } finally {
        overwrite(made)
      }
      wrapped = await read(name, kind, generation)
    }
    if (wrapped === undefined) throw new TypeError(`the key ${keyNameText(name)} was not stored`)
    const context = moduleKeyContext(applicationId, profile, name, generation)
    const secret = await unwrap(wrapped, context, name)
    try {
      return await handleOf(kind, secret)
    } finally {
      overwrite(secret)
    }
  }

  const unwrap = async (
    wrapped: Uint8Array,
    context: ReturnType<typeof moduleKeyContext>,
    name: KeyName,
  ): Promise<Uint8Array> => {
    try {
      return await state.wrapper.unwrap(wrapped, context)
    } catch (error) {
      // A caller's ciphertext fails to open; a key of ours that does is a fault.
      if (!(error instanceof KeyhavenError) || error.code !== 'OPEN_FAILED') throw error
      throw new KeyhavenError('STORE_UNAVAILABLE', `the stored key ${keyNameText(name)} does not unwrap`)
    }
  }

  const ensure = (name: KeyName, kind: ModuleKeyKind, generation: number): Promise<ModuleKeyHandle> => {
    const what = `${keyNameText(name)} ${kind} ${generation}`
    const known = handles.get(what)
    if (known !== undefined) return known
    const opened = open(name, kind, generation)
    handles.set(what, opened)
    opened.catch(() => handles.delete(what))
    return opened
  }

  return { name: 'local', ensure: ensure as ModuleKeys['ensure'] }
}

async function newSecret(kind: ModuleKeyKind): Promise<Uint8Array> {
  if (kind === 'aes-256') return backend.randomBytes(AES_KEY_BYTES)
  return backend.rsa.exportPrivateKey(await backend.rsa.generateKeyPair(RSA_BITS))
}

async function handleOf(kind: ModuleKeyKind, secret: Uint8Array): Promise<RsaModuleKey | AesModuleKey> {
  if (kind === 'aes-256') {
    return aesModuleKey(createSecretKey(secret), await backend.importAeadKey('aes-256-gcm', secret))
  }
  const key = await backend.rsa.importPrivateKey(secret)
  return {
    kind,
    publicKey: key.publicKey,
    sign: async (data) => backend.rsa.signPkcs1(key, data),
    decryptOaep: async (wrapped) => backend.rsa.decryptOaep(key, wrapped),
  }
}
