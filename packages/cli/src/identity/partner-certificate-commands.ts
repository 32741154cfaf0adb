import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { fields, table } from '../terminal/output.ts'
import { readCertificates } from './certificate-file.ts'
import { describePartner } from './describe-partner.ts'
import { identityPath, type Partner, type PartnerCertificate } from './identity-api.ts'
import { identityAction } from './identity-command.ts'
import { PARTNER } from './partner-argument.ts'

/** A partner’s certificate and key, and the authorities that are trusted. */
export function certificateCommands(frame: Frame, partners: Command): void {
  identityAction<{ certificate: string }>(
    frame,
    partners,
    {
      ...{
        name: 'certificate',
        summary: 'upload a partner’s certificate; chain, dates, size, use and owner are checked',
      },
      arguments: [PARTNER],
      examples: [
        [
          'keyhaven identity partners certificate demo shop --certificate shop.pem',
          'In place of the one before',
        ],
      ],
    },
    (command) =>
      command.requiredOption(
        '--certificate <file>',
        'PEM; of a file with those above it, its own; - for stdin',
      ),
    async ({ context, output, options, args }, admin) => {
      const { authorities, others } = await readCertificates(context, options.certificate)
      if (others.length > 1) {
        throw usageError(
          `${options.certificate} holds the certificates of ${others.length} partners`,
          'Give each partner’s in a call of its own.',
        )
      }
      // One of an authority alone is refused by the server, which says why.
      const pem = others[0] ?? authorities[0]!
      const path = identityPath(args[0]!, 'partners', args[1]!, 'certificate')
      const made = await admin.call<PartnerCertificate>('POST', path, { body: { pem } })
      output.result(made, () =>
        fields([
          ['certificate', made.id],
          ['valid until', made.validUntil],
        ]),
      )
      if (others.length > 0 && authorities.length > 0) {
        output.note('Certificates of authorities in the file were left out: `partners trust` takes them.')
      }
    },
  )
  identityAction<{ statement: string }>(
    frame,
    partners,
    {
      ...{
        name: 'encryption-key',
        summary: 'register the key that data for a partner of profile keyhaven is sealed to',
      },
      arguments: [PARTNER],
      examples: [
        [
          'keyhaven identity partners encryption-key demo shop --statement shop.jws',
          'As signEncryptionKey made it, with the key of the certificate',
        ],
      ],
    },
    (command) => command.requiredOption('--statement <file>', 'compact JWS; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const statement = (await readInput(context, options.statement)).trim()
      const path = identityPath(args[0]!, 'partners', args[1]!, 'encryption-key')
      const changed = await admin.call<Partner>('POST', path, { body: { statement } })
      output.result(changed, () => describePartner(changed))
    },
  )
  identityAction<{ domain: string; certificates: string }>(
    frame,
    partners,
    {
      ...{ name: 'trust', summary: 'trust certificate authorities of partners' },
      examples: [
        [
          'keyhaven identity partners trust demo --domain AUTH --certificates authorities.pem',
          'Roots and those below',
        ],
      ],
    },
    (command) =>
      command
        .requiredOption('--domain <domain>', 'AUTH, DEVICE or FTM')
        .requiredOption(
          '--certificates <file>',
          'PEM; certificates of no authority are left out; - for stdin',
        ),
    async ({ context, output, options, args }, admin) => {
      const { authorities, others } = await readCertificates(context, options.certificates)
      // If there is none, the server says what it lacks.
      const pem = (authorities.length > 0 ? authorities : others).join('\n')
      const body = { domain: options.domain, pem }
      const added = await admin.call<{ items: readonly { id: string; subject: string }[] }>(
        'POST',
        identityPath(args[0]!, 'authorities'),
        { body },
      )
      output.result(added, () =>
        table(
          [
            { heading: 'ID', cell: ({ id }) => id },
            { heading: 'SUBJECT', cell: ({ subject }) => subject },
          ],
          added.items,
          'none',
        ),
      )
    },
  )
}
