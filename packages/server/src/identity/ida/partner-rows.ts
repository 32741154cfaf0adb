import type { AuthoritiesUpdate, PartnerUpdate } from '@keyhaven/identity'
import type { AuthenticationStore } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import type { AuditRecord } from '../../platform/audit/audit-record.ts'
import type { State } from '../../platform/state/state.ts'

/** The row of the authorities. */
const AUTHORITIES = ''
const SYSTEM = 'system'

type PartnerRows = Pick<
  AuthenticationStore,
  'partners' | 'authorities' | 'onChange' | 'confirmFresh' | 'savePartner' | 'saveAuthorities'
>

/** What events have said of partners and authorities. */
export function createPartnerRows(state: State, applicationId: string): PartnerRows {
  const documents = (authorities: boolean) =>
    state.db
      .selectFrom('ida_partners')
      .select('document')
      .where('application_id', '=', applicationId)
      .where('partner_id', authorities ? '=' : '<>', AUTHORITIES)
      .orderBy('partner_id')
      .execute()

  const save = (
    partnerId: string,
    update: { readonly sequence: number },
    entry: Pick<AuditRecord, 'action' | 'detail'>,
  ): Promise<boolean> =>
    state.transaction(async (transaction) => {
      const { sequence } = update
      const document = JSON.stringify(update)
      const { numInsertedOrUpdatedRows } = await transaction.db
        .insertInto('ida_partners')
        .values({
          ...{ application_id: applicationId, partner_id: partnerId, sequence, document },
          updated_at: transaction.now,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['application_id', 'partner_id'])
            .doUpdateSet({ sequence, document, updated_at: transaction.now })
            .where(sql.ref('ida_partners.sequence'), '<', sequence),
        )
        .executeTakeFirst()
      if (!numInsertedOrUpdatedRows) return false
      transaction.changed(applicationId)
      state.audit.append(transaction, { actor: SYSTEM, applicationId, subject: partnerId, ...entry })
      return true
    })

  return {
    async partners() {
      return (await documents(false)).map(({ document }) => JSON.parse(document) as PartnerUpdate)
    },
    async authorities() {
      const [row] = await documents(true)
      return row && (JSON.parse(row.document) as AuthoritiesUpdate)
    },
    onChange(listener) {
      state.changes.onChange((changed) => {
        if (changed === undefined || changed === applicationId) listener()
      })
    },
    confirmFresh: () => state.changes.confirmFresh(),
    savePartner: (update) =>
      save(update.partner.id, update, {
        action: 'auth.partner.import',
        detail: {
          ...{ sequence: update.sequence, active: update.partner.active },
          ...{ policies: update.policies.length, apiKeys: update.apiKeys.length },
          certificate: update.certificate !== null,
        },
      }),
    saveAuthorities: (update) =>
      save(AUTHORITIES, update, {
        action: 'auth.authorities.import',
        detail: {
          ...{ sequence: update.sequence, authorities: update.authorities.length },
          revoked: update.revoked.length,
        },
      }),
  }
}
