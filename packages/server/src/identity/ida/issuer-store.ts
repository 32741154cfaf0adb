import { KeyhavenError, toHex } from '@keyhaven/crypto'
import type { Certificate } from '@keyhaven/identity'
import { parseCertificate } from '@keyhaven/identity'
import type { State } from '../../platform/state/state.ts'

/** The issuer's root certificate (K1), pinned: events are believed that it vouches for, and no other. */
export interface IssuerStore {
  root(): Promise<Certificate | undefined>
  /**
   * @param replace - whether another one may take its place.
   * @throws KeyhavenError `CERTIFICATE_INVALID` if it is no authority's; `CONFLICT` if another one is pinned.
   */
  pin(certificate: Certificate, actor: string, replace: boolean): Promise<void>
}

export function createIssuerStore(state: State, applicationId: string): IssuerStore {
  let known: Promise<Certificate | undefined> | undefined
  state.changes.onChange((changed) => {
    if (changed === undefined || changed === applicationId) known = undefined
  })
  const read = async (): Promise<Certificate | undefined> => {
    const row = await state.db
      .selectFrom('ida_issuers')
      .select('certificate')
      .where('application_id', '=', applicationId)
      .executeTakeFirst()
    return row && parseCertificate(row.certificate)
  }
  return {
    root() {
      known ??= read().catch((error: unknown) => {
        known = undefined
        throw error
      })
      return known
    },

    async pin(certificate, actor, replace) {
      if (!certificate.isCa) {
        throw new KeyhavenError('CERTIFICATE_INVALID', 'the issuer’s root is an authority’s certificate')
      }
      const thumbprint = toHex(certificate.thumbprint)
      await state.transaction(async (transaction) => {
        const { db, now } = transaction
        const row = { certificate: certificate.der, added_at: now, added_by: actor }
        const old = await db
          .selectFrom('ida_issuers')
          .select('certificate')
          .where('application_id', '=', applicationId)
          .executeTakeFirst()
        if (old !== undefined && toHex(parseCertificate(old.certificate).thumbprint) === thumbprint) return
        if (old !== undefined && !replace) {
          throw new KeyhavenError('CONFLICT', 'another issuer is trusted: replace it knowingly')
        }
        await db
          .insertInto('ida_issuers')
          .values({ application_id: applicationId, ...row })
          .onConflict((conflict) => conflict.column('application_id').doUpdateSet(row))
          .execute()
        transaction.changed(applicationId)
        state.audit.append(transaction, {
          ...{ actor, action: 'auth.issuer.pin', applicationId, subject: thumbprint },
          detail: { replaced: old !== undefined },
        })
      })
    },
  }
}
