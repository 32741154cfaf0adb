import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { VAULT_PATH } from './vault-api.ts'

/** `keyhaven vault backfill`: credentials of everybody, for one IDA. */
export function vaultBackfillCommand(frame: Frame, vault: Command): void {
  const backfill = describe(
    vault.command('backfill'),
    'order credentials of everybody for an IDA, at the issuer; an IDA that is newly approved, activated or has a new ' +
      'certificate is filled without it. What the IDA has is left out, what failed is tried again',
    [
      ['keyhaven vault backfill mpartner-default-auth', 'After what made credentials fail was mended'],
      ['keyhaven vault status', 'How far it is'],
    ],
  ).argument('<partner>', 'partner id of the IDA')
  withServerOptions(backfill).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const [partner] = args as unknown as [string]
      using admin = await connectAdmin(context, options)
      await admin.call('POST', `${VAULT_PATH}/backfill`, { body: { partner } })
      output.result({ started: partner }, () => `started for ${partner}`)
      output.note('The server goes on by itself; `keyhaven vault status` says how far it is.')
      return undefined
    }),
  )
}
