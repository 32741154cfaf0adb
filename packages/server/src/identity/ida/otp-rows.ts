import { timingSafeEqual } from 'node:crypto'
import type { AuthenticationStore } from '@keyhaven/identity/service'
import { OTP_ATTEMPTS } from '@keyhaven/identity/service'
import type { State } from '../../platform/state/state.ts'

type OtpRows = Pick<AuthenticationStore, 'saveOtp' | 'useOtp'>

/** One-time passwords, each guessed at so often and used once. */
export function createOtpRows(state: State, applicationId: string): OtpRows {
  return {
    async saveOtp({ person, transactionId, partnerId, hash, expiresAt }) {
      const fresh = { otp_hash: hash, attempts: 0, expires_at: expiresAt }
      await state.db
        .insertInto('ida_otps')
        .values({
          ...{ application_id: applicationId, person, transaction_id: transactionId, partner_id: partnerId },
          ...fresh,
        })
        .onConflict((conflict) =>
          conflict.columns(['application_id', 'person', 'transaction_id', 'partner_id']).doUpdateSet(fresh),
        )
        .execute()
    },

    useOtp: ({ person, transactionId, partnerId, hash }, now) =>
      state.transaction(async ({ db }) => {
        // The update comes first: it is counted, whoever else guesses at the same time.
        const row = await db
          .updateTable('ida_otps')
          .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
          .where('application_id', '=', applicationId)
          .where('person', '=', person)
          .where('transaction_id', '=', transactionId)
          .where('partner_id', '=', partnerId)
          .where('expires_at', '>', now)
          .where('attempts', '<', OTP_ATTEMPTS)
          .returning('otp_hash')
          .executeTakeFirst()
        if (row === undefined || !timingSafeEqual(row.otp_hash, hash)) return false
        await db
          .deleteFrom('ida_otps')
          .where('application_id', '=', applicationId)
          .where('person', '=', person)
          .where('transaction_id', '=', transactionId)
          .where('partner_id', '=', partnerId)
          .execute()
        return true
      }),
  }
}
