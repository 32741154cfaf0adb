import type { Command } from 'commander'
import type { Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { fields, table } from '../terminal/output.ts'
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
    (command) => command.requiredOption('--certificate <file>', 'one certificate, PEM; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const pem = await readInput(context, options.certificate)
      const path = identityPath(args[0]!, 'partners', args[1]!, 'certificate')
      const made = await admin.call<PartnerCertificate>('POST', path, { body: { pem } })
      output.result(made, () =>
        fields([
          ['certificate', made.id],
          ['valid until', made.validUntil],
        ]),
      )
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
        .requiredOption('--certificates <file>', 'certificates, PEM; - for stdin'),
    async ({ context, output, options, args }, admin) => {
      const body = { domain: options.domain, pem: await readInput(context, options.certificates) }
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
