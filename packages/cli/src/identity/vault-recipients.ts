import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { fields } from '../terminal/output.ts'
import { VAULT_PATH, type VaultRecipient } from './vault-api.ts'

const PATH = `${VAULT_PATH}/recipients`
const PARTNER = ['<partner>', 'partner id of the IDA'] as const

/** `keyhaven vault recipients`: the certificates of IDAs that pool keys are wrapped for. */
export function vaultRecipientsCommand(frame: Frame, vault: Command): void {
  const recipients = describe(
    vault.command('recipients'),
    'certificates of IDAs that pool keys are wrapped for, at the issuer; `keyhaven vault status` lists them',
    [
      [
        'keyhaven vault recipients add mpartner-default-auth --certificate k22.pem',
        'Before its first credential',
      ],
    ],
  )
  const add = describe(
    recipients.command('add'),
    'wrap the keys of new credentials for this certificate too; others of the same IDA stay',
    [
      [
        'keyhaven vault recipients add mpartner-default-auth --certificate k22.pem',
        'As `keyhaven identity keys certificate demo IDA/CRED_SERVICE` of the IDA writes it',
      ],
    ],
  )
    .argument(...PARTNER)
    .requiredOption('--certificate <file>', 'of IDA/CRED_SERVICE, PEM; - for stdin')
  withServerOptions(add).action(
    action<ServerOptions & { certificate: string }>(frame, async ({ context, output, options, args }) => {
      const certificate = await readInput(context, options.certificate)
      using admin = await connectAdmin(context, options)
      const added = await admin.call<VaultRecipient>('POST', PATH, {
        body: { partner: args[0]!, certificate },
      })
      output.result(added, () =>
        fields([
          ['IDA', added.partner],
          ['certificate', added.thumbprint],
          ['until', added.notAfter],
        ]),
      )
      return undefined
    }),
  )

  const remove = describe(
    recipients.command('remove'),
    'wrap nothing for this certificate any more; what was issued stays',
    [
      [
        `keyhaven vault recipients remove mpartner-default-auth ${'0f'.repeat(32)}`,
        'After the IDA has renewed its key',
      ],
    ],
  )
    .argument(...PARTNER)
    .argument('<thumbprint>', 'as `keyhaven vault status` shows it')
  withServerOptions(remove).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const [partner, thumbprint] = args as unknown as [string, string]
      using admin = await connectAdmin(context, options)
      await admin.call('DELETE', `${PATH}/${encodeURIComponent(partner)}/${encodeURIComponent(thumbprint)}`)
      output.result({ removed: thumbprint }, () => `removed ${thumbprint}`)
      return undefined
    }),
  )
}
