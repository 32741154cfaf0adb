import { AEAD_NONCE_BYTES, backend, utf8, Writer } from '@keyhaven/crypto'
import { type BiometricMatcher, type Bir, encodeCbeff, parseCbeff } from '@keyhaven/identity'
import type { Abis, RecordKeys } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'

const KEY_LABEL = 'keyhaven simulated ABIS v1'
const KEY_BYTES = 32
/** Compared with one after the other: for a demo and for tests, not for a country. */
export const MAX_SIMULATED_GALLERY = 20_000

/**
 * The built-in ABIS: compares templates of simulated biometrics, each with each. Templates are kept sealed; once
 * opened they stay in memory.
 */
export function createSimulatedAbis(
  state: State,
  applicationId: string,
  matcher: BiometricMatcher,
  keys: () => Promise<RecordKeys>,
): Abis {
  const opened = new Map<string, readonly Bir[]>()
  const sealing = async () => {
    const info = new Writer().bytes8(utf8(KEY_LABEL)).bytes8(utf8(applicationId)).done()
    const prk = await backend.hkdfExtract(utf8(KEY_LABEL), (await keys()).dataKey)
    return backend.importAeadKey('aes-256-gcm', await backend.hkdfExpand(prk, info, KEY_BYTES))
  }

  const read = async (): Promise<void> => {
    const rows = await state.db
      .selectFrom('identity_simulated_abis')
      .select('rid')
      .where('application_id', '=', applicationId)
      .limit(MAX_SIMULATED_GALLERY)
      .execute()
    const missing = rows.filter(({ rid }) => !opened.has(rid))
    const key = await sealing()
    for (const { rid } of missing) {
      const row = await state.db
        .selectFrom('identity_simulated_abis')
        .select('templates')
        .where('application_id', '=', applicationId)
        .where('rid', '=', rid)
        .executeTakeFirst()
      if (row === undefined) continue
      const nonce = row.templates.subarray(0, AEAD_NONCE_BYTES)
      const cbeff = await key.open(nonce, row.templates.subarray(AEAD_NONCE_BYTES), utf8(rid))
      opened.set(rid, parseCbeff(cbeff).birs)
    }
  }

  return {
    name: `simulated ABIS: ${matcher.name}`,

    async enrol(rid, birs) {
      const templates = await matcher.extract(birs, 'template')
      const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
      const sealed = await (await sealing()).seal(nonce, encodeCbeff({ birs: templates }), utf8(rid))
      const bytes = new Writer().bytes(nonce).bytes(sealed).done()
      await state.transaction(async ({ db }) => {
        await db
          .insertInto('identity_simulated_abis')
          .values({ application_id: applicationId, rid, templates: bytes })
          .onConflict((conflict) =>
            conflict.columns(['application_id', 'rid']).doUpdateSet({ templates: bytes }),
          )
          .execute()
      })
      opened.set(rid, templates)
    },

    async identify(rid, birs) {
      await read()
      const probe = await matcher.extract(birs, 'template')
      const found: string[] = []
      for (const [other, gallery] of opened) {
        if (other === rid) continue
        const kinds = [...new Set(probe.map(({ type }) => type))].filter((type) =>
          gallery.some((bir) => bir.type === type),
        )
        if (kinds.length > 0 && (await matcher.match(probe, gallery, kinds)).match) found.push(other)
      }
      return found
    },
  }
}
