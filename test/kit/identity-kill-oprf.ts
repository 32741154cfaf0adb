import { sql } from 'kysely'
import { expect } from 'vitest'
import { backend } from '../../packages/crypto/src/node/index.ts'
import { blindInput, finalizeEvaluation } from '../../packages/identity/src/oprf/voprf.ts'
import { createOprfServer } from '../../packages/identity/src/service/index.ts'
import { createLocalModuleKeys } from '../../packages/server/src/identity/keys/local-module-keys.ts'
import { OPRF_MODULE_KEY } from '../../packages/server/src/identity/oprf/create-oprf.ts'
import { createOprfStore } from '../../packages/server/src/identity/oprf/oprf-store.ts'
import type { State } from '../../packages/server/src/platform/state/state.ts'
import type { StateFixture } from './engines.ts'
import { APPLICATION, profileOf } from './identity-kill-checks.ts'

const ELEMENT_BYTES = 32
/** What the process of the oblivious PRF keeps; every other table is empty. */
const TABLES: readonly string[] = [
  ...['identity_module_keys_keyhaven', 'identity_oprf_keys', 'identity_oprf_orders', 'identity_oprf_quotas'],
  ...['ida_issuers', 'ida_partners'],
  // Of every server.
  ...['applications', 'audit_entries', 'managed_keys', 'manifest_publications', 'replay_store'],
  ...['state_changes', 'state_head'],
]

/**
 * What holds of the oblivious PRF at every moment: its audit chain; its one key, which opens and belongs to its public
 * key; an evaluation is counted, on record and its order spent, or nothing of it; nobody's data is there.
 *
 * @returns its public key, base64; undefined while nobody has asked for it, which makes it.
 */
export async function checkOprf(fixture: StateFixture): Promise<string | undefined> {
  const state = await fixture.open({ schedule: false })
  try {
    expect(await state.audit.verify()).toMatchObject({ valid: true })
    for (const { name } of await state.db.introspection.getTables()) {
      if (TABLES.includes(name)) continue
      const { rows } = await sql`select * from ${sql.table(name)} limit 1`.execute(state.db)
      expect({ name, rows }).toEqual({ name, rows: [] })
    }
    const evaluations = await countEvaluations(state)
    const key = await openedKey(state, fixture)
    if (key === undefined) expect(evaluations).toBe(0)
    return key
  } finally {
    await state.close()
  }
}

/** Public key of the oblivious PRF that a process remembers, base64; undefined before it has asked. */
export async function rememberedOprfKey(fixture: StateFixture): Promise<string | undefined> {
  const state = await fixture.open({ schedule: false })
  try {
    const rows = await state.db.selectFrom('identity_oprf_public_keys').select('public_key').execute()
    expect(rows.length).toBeLessThanOrEqual(1)
    return rows[0] && Buffer.from(rows[0].public_key).toString('base64')
  } finally {
    await state.close()
  }
}

async function countEvaluations({ db }: State): Promise<number> {
  const orders = await db.selectFrom('identity_oprf_orders').select('order_hash').execute()
  const quotas = await db.selectFrom('identity_oprf_quotas').select('used').execute()
  const entries = await db
    .selectFrom('audit_entries')
    .select('detail')
    .where('action', '=', 'oprf.evaluate')
    .execute()
  const onRecord = entries.map(({ detail }) => (JSON.parse(detail) as { evaluations: number }).evaluations)
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  expect(sum(quotas.map(({ used }) => used))).toBe(orders.length)
  expect(sum(onRecord)).toBe(orders.length)
  return orders.length
}

async function openedKey(state: State, fixture: StateFixture): Promise<string | undefined> {
  const store = createOprfStore(state, APPLICATION)
  const keys = await store.keys()
  if (keys.length === 0) return undefined
  expect(keys).toMatchObject([{ version: 1, state: 'active' }])
  const { publicKey } = keys[0]!
  const moduleKeys = createLocalModuleKeys(state, APPLICATION, profileOf(fixture))
  const server = createOprfServer({
    ...{ backend, application: APPLICATION, clock: Date.now },
    // Spends nothing: it is only asked whether the key opens and is the right one.
    store: { ...store, spend: async () => {} },
    masterKey: () => moduleKeys.ensure(OPRF_MODULE_KEY, 'aes-256', 1),
    verifyPartner: () => true,
    verifyIssuer: async () => new Uint8Array(),
  })
  const input = await blindInput(backend.randomBytes(ELEMENT_BYTES))
  const nobody = new Uint8Array(ELEMENT_BYTES)
  const reason = { kind: 'authentication', digest: nobody, signature: nobody, certificates: [] } as const
  const evaluation = await server.evaluate('test', 1, [{ element: input.blinded, reason }])
  // Verifies the proof by the public key.
  await finalizeEvaluation([input], publicKey, evaluation)
  return Buffer.from(publicKey).toString('base64')
}
