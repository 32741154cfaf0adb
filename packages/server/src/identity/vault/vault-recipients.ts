import { KeyhavenError, toHex } from '@keyhaven/crypto'
import type { Certificate } from '@keyhaven/identity'
import { parseCertificate } from '@keyhaven/identity'
import type { State, StateTransaction } from '../../platform/state/state.ts'

/** Certificates (K22) for which an issuer wraps pool keys, by the partner id of the IDA. */
export interface VaultRecipients {
  /** @param partner - undefined: of all IDAs. Those that have ended are left out. */
  list(partner?: string): Promise<readonly { readonly partner: string; readonly certificate: Certificate }[]>
  /** @throws KeyhavenError `CERTIFICATE_INVALID` if it cannot be encrypted to, or is not valid now. */
  add(partner: string, der: Uint8Array, actor: string): Promise<Certificate>
  /** @returns false if it is not there. */
  remove(partner: string, thumbprint: string, actor: string): Promise<boolean>
}

const MIN_RSA_BITS = 2_048

/** @param onAdd - in the same transaction, when a certificate has come. */
export function createVaultRecipients(
  state: State,
  applicationId: string,
  clock: () => number,
  onAdd?: (transaction: StateTransaction, partner: string, actor: string) => Promise<void>,
): VaultRecipients {
  const isValid = ({ notBefore, notAfter }: Certificate): boolean =>
    notBefore <= clock() && clock() < notAfter
  return {
    async list(partner) {
      const rows = await state.db
        .selectFrom('identity_vault_recipients')
        .select(['partner_id', 'certificate'])
        .where('application_id', '=', applicationId)
        .$if(partner !== undefined, (query) => query.where('partner_id', '=', partner ?? ''))
        .orderBy('partner_id')
        .orderBy('thumbprint')
        .execute()
      return rows
        .map((row) => ({ partner: row.partner_id, certificate: parseCertificate(row.certificate) }))
        .filter(({ certificate }) => isValid(certificate))
    },

    async add(partner, der, actor) {
      const certificate = parseCertificate(der)
      const { keyUsage, publicKey, thumbprint } = certificate
      const encrypts = keyUsage === undefined || keyUsage.includes('keyEncipherment')
      if (!encrypts || publicKey.modulusBits < MIN_RSA_BITS || !isValid(certificate)) {
        throw new KeyhavenError(
          'CERTIFICATE_INVALID',
          'an IDA needs a valid RSA certificate for encryption, of at least 2048 bits',
        )
      }
      const name = toHex(thumbprint)
      await state.transaction(async (transaction) => {
        await transaction.db
          .insertInto('identity_vault_recipients')
          .values({
            ...{ application_id: applicationId, partner_id: partner, thumbprint: name },
            ...{ certificate: certificate.der, added_at: transaction.now, added_by: actor },
          })
          .onConflict((on) => on.columns(['application_id', 'partner_id', 'thumbprint']).doNothing())
          .execute()
        await onAdd?.(transaction, partner, actor)
        state.audit.append(transaction, {
          ...{ actor, action: 'vault.recipient.add', applicationId, subject: partner },
          detail: { thumbprint: name },
        })
      })
      return certificate
    },

    remove: (partner, thumbprint, actor) =>
      state.transaction(async (transaction) => {
        const { numDeletedRows } = await transaction.db
          .deleteFrom('identity_vault_recipients')
          .where((eb) => eb.and({ application_id: applicationId, partner_id: partner, thumbprint }))
          .executeTakeFirst()
        if (numDeletedRows !== 1n) return false
        state.audit.append(transaction, {
          ...{ actor, action: 'vault.recipient.remove', applicationId, subject: partner },
          detail: { thumbprint },
        })
        return true
      }),
  }
}
