import { DatabaseSync } from 'node:sqlite'
import { backend, fromBase64url, toBase64url, utf8, Writer } from '@keyhaven/crypto'
import { fromAnyBase64, IDENTITY_CACHE, type Profile } from '@keyhaven/identity'
import { oprfInput, personSecrets } from '../../packages/identity/src/oprf/person-secrets.ts'
import { evaluateDirectly } from '../../packages/identity/src/oprf/voprf.ts'
import { createPool } from '../../packages/identity/src/service/vault/pool.ts'
import { idHash, idHashModulo } from '../../packages/identity/src/vault/id-hash.ts'
import {
  mosipAttributeIndex,
  openMosipAttribute,
  withMosipKey,
} from '../../packages/identity/src/vault/mosip-attribute.ts'
import { openVaultAttribute, readVaultHeader } from '../../packages/identity/src/vault/vault-attribute.ts'
import { createIdentityKeys } from '../../packages/server/src/identity/keys/create-identity-keys.ts'
import { createHsmModuleKeys } from '../../packages/server/src/identity/keys/hsm-module-keys.ts'
import { createLocalModuleKeys } from '../../packages/server/src/identity/keys/local-module-keys.ts'
import { OPRF_MODULE_KEY } from '../../packages/server/src/identity/oprf/create-oprf.ts'
import { createOprfStore } from '../../packages/server/src/identity/oprf/oprf-store.ts'
import { createPoolStore } from '../../packages/server/src/identity/vault/pool-store.ts'
import { loadConfig } from '../../packages/server/src/platform/config/load-config.ts'
import { openHsmToken } from '../../packages/server/src/platform/hsm/open-hsm-token.ts'
import { openState } from '../../packages/server/src/platform/state/open-state.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import { APPLICATION, type IdentityScene } from './identity-scene.ts'
import type { KeyServer } from './key-server.ts'

/** docs/storage-schema.md: what the keys of the oblivious PRF are wrapped for. */
const OPRF_KEY_LABEL = 'keyhaven oprf key v1'
const FULL_NAME = 'fullName'

export interface StolenRecord {
  readonly id_hash: string
  readonly credential_id: string
  readonly partner_id: string
  readonly policy_id: string
  readonly oprf_key: number
  /** The sealed full name. */
  readonly value: string
}

/** What a thief took: a database that is read as a file, and what else opens it. */
export interface Loot {
  readonly profile: Profile
  readonly records: ReadonlyMap<string, StolenRecord>
  readonly salts: ReadonlyMap<number, string>
  readonly attributes: { readonly sealed: number; readonly clear: number }
  /** K18, used to unwrap. Undefined: not stolen. */
  readonly poolKey?: (index: number) => Promise<Uint8Array>
  readonly oprfKey?: Uint8Array
}

/** As anybody reads it who has the file: no key, no server. */
export function readDatabase(profile: Profile, path: string): Loot {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const records = db
      .prepare(
        `select r.id_hash, r.credential_id, r.partner_id, r.policy_id, r.oprf_key, a.value
         from ida_records_${profile} r join ida_attributes_${profile} a
         on a.application_id = r.application_id and a.id_hash = r.id_hash and a.name = '${FULL_NAME}'`,
      )
      .all() as unknown as StolenRecord[]
    const salts = db.prepare('select modulo, salt from ida_id_salts').all() as {
      modulo: number
      salt: string
    }[]
    const count = (sealed: number) =>
      Number(
        db.prepare(`select count(*) as n from ida_attributes_${profile} where sealed = ?`).get(sealed)?.n,
      )
    return {
      profile,
      records: new Map(records.map((record) => [record.id_hash, record])),
      salts: new Map(salts.map(({ modulo, salt }) => [modulo, salt])),
      attributes: { sealed: count(1), clear: count(0) },
    }
  } finally {
    db.close()
  }
}

/** What a thief can compute of a guessed number: the record's name, if it can be had. */
export async function hashOf({ salts, oprfKey }: Loot, uin: string): Promise<string> {
  if (oprfKey !== undefined) {
    return toBase64url(
      (await personSecrets(backend, await evaluateDirectly(oprfKey, oprfInput(APPLICATION, uin)))).tag,
    )
  }
  return idHash(backend, uin, salts.get(await idHashModulo(backend, uin)) ?? '')
}

export async function openName(loot: Loot, uin: string, record: StolenRecord): Promise<string> {
  const { profile, oprfKey } = loot
  const poolKey = loot.poolKey!
  if (profile === 'mosip') {
    const bytes = fromAnyBase64(record.value)
    const key = await poolKey(mosipAttributeIndex(bytes))
    const open = (own: Uint8Array) => openMosipAttribute(backend, own, bytes)
    return Buffer.from(await withMosipKey(backend, key, uin, open)).toString()
  }
  const bytes = fromBase64url(record.value)
  const output =
    oprfKey === undefined
      ? await backend.sha256(utf8(uin))
      : await evaluateDirectly(oprfKey, oprfInput(APPLICATION, uin))
  const { personKey } = await personSecrets(backend, output)
  const secrets = { personKey, poolKey: await poolKey(readVaultHeader(bytes).index) }
  const place = {
    ...{ application: APPLICATION, partner: record.partner_id, policy: record.policy_id },
    ...{ record: record.credential_id, attribute: FULL_NAME },
  }
  return Buffer.from(await openVaultAttribute(backend, secrets, place, bytes)).toString()
}

/** With the folder, and the HSM's token and PIN where there is one: as an insider would. */
export async function openStolen({ profile }: IdentityScene, { settings }: KeyServer, dataDir: string) {
  const config = loadConfig({ ...settings, KEYHAVEN_DATA_DIR: dataDir })
  const state = await openState(config, { schedule: false })
  const token = config.identity?.pkcs11 && openHsmToken(config.identity.pkcs11)
  const moduleKeys =
    token === undefined
      ? createLocalModuleKeys(state, APPLICATION, profile)
      : createHsmModuleKeys(state, token, APPLICATION, profile)
  return {
    ...{ state, moduleKeys },
    async close() {
      token?.close()
      await state.close()
    },
  }
}

type Opened = Awaited<ReturnType<typeof openStolen>>

export async function poolOf(profile: Profile, { state, moduleKeys }: Opened) {
  const place = { applicationId: APPLICATION, profile }
  const keys = createIdentityKeys({ ...place, state, moduleKeys, role: 'ida', clock: Date.now })
  const pool = createPool({
    ...{ backend, application: APPLICATION },
    store: createPoolStore(state, { ...place, owner: 'ida' }),
    masterKey: () => keys.masterKey(IDENTITY_CACHE.ida),
  })
  return (index: number) => pool.open(index)
}

export async function oprfKeyOf({ state, moduleKeys }: { state: State; moduleKeys: Opened['moduleKeys'] }) {
  const [newest] = await createOprfStore(state, APPLICATION).keys()
  const key = await moduleKeys.ensure(OPRF_MODULE_KEY, 'aes-256', 1)
  const bound = new Writer().bytes8(utf8(OPRF_KEY_LABEL)).bytes8(utf8(APPLICATION)).u32(newest!.version)
  return (key as { unwrap(bytes: Uint8Array, aad: Uint8Array): Promise<Uint8Array> }).unwrap(
    newest!.wrapped,
    bound.done(),
  )
}
