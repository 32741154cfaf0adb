import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { VAULT_PATH, type VaultStatus } from './vault-api.ts'

/** `keyhaven vault status`. */
export function vaultStatusCommand(frame: Frame, vault: Command): void {
  const status = describe(
    vault.command('status'),
    'pool generations, people, certificates of IDAs, backfills, conflicts',
    [['keyhaven vault status', 'Of the server that the settings name, issuer or IDA']],
  )
  withServerOptions(status).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<VaultStatus>(VAULT_PATH)
      output.result(found, () => describeStatus(found))
      return undefined
    }),
  )
}

function describeStatus(status: VaultStatus): string {
  const { credentials, records } = status
  const parts = [
    fields([
      ['role', status.role],
      ['profile', status.profile],
      ['people', records],
      ['under older keys', status.recordsOfOldGenerations],
      [
        'credentials re-encrypted',
        credentials && `${credentials.done} of ${credentials.done + credentials.left}`,
      ],
      ['conflicts to look into', status.openConflicts],
    ]),
    table(
      [
        { heading: 'GENERATION', cell: (one) => one.generation, align: 'right' },
        { heading: 'KEYS', cell: (one) => one.keys, align: 'right' },
        { heading: 'CREATED', cell: (one) => one.createdAt },
      ],
      status.generations,
      status.role === 'main'
        ? 'no pool of keys yet: the first credential for an IDA makes it, or `keyhaven vault create-pool` ahead'
        : 'no keys yet: they come with the first credential',
    ),
  ]
  if (status.recipients !== undefined) {
    parts.push(
      table(
        [
          { heading: 'IDA', cell: (one) => one.partner },
          { heading: 'CERTIFICATE', cell: (one) => one.thumbprint },
          { heading: 'UNTIL', cell: (one) => one.notAfter },
        ],
        status.recipients,
        'no certificate of an IDA: no credential for one can be issued; `keyhaven vault recipients add`',
      ),
    )
  }
  if (status.backfills !== undefined && status.backfills.length > 0) {
    parts.push(
      table(
        [
          { heading: 'BACKFILL OF', cell: (one) => one.partner },
          { heading: 'POLICY', cell: (one) => one.policyId },
          { heading: 'STATE', cell: (one) => one.state },
          { heading: 'PEOPLE', cell: ({ people, total }) => `${people} of ${total}`, align: 'right' },
          { heading: 'ISSUED', cell: (one) => one.issued, align: 'right' },
          { heading: 'WAITING', cell: (one) => one.waiting, align: 'right' },
          { heading: 'FAILED', cell: (one) => one.failed, align: 'right' },
        ],
        status.backfills,
        '',
      ),
    )
  }
  return parts.join('\n')
}
