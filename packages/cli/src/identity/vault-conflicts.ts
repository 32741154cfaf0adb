import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { type PoolConflict, VAULT_PATH } from './vault-api.ts'

interface Options extends ServerOptions {
  readonly close?: string
  readonly reason?: string
}

/** `keyhaven vault conflicts`: second keys for an index, which were refused. */
export function vaultConflictsCommand(frame: Frame, vault: Command): void {
  const conflicts = describe(
    vault.command('conflicts'),
    'second keys for an index: each was refused, and waits for somebody to find out where it came from',
    [
      ['keyhaven vault conflicts', 'Newest first'],
      [
        'keyhaven vault conflicts --close 0b54c0e4-8a1f-4f0e-9a53-6a7a0c1d2e3f --reason "old issuer database"',
        'It was looked into; the key that was there stays',
      ],
    ],
  )
    .option('--close <id>', 'close one that was looked into')
    .option('--reason <text>', 'what was found, for the audit log; with --close')
  withServerOptions(conflicts).action(
    action<Options>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      if (options.close !== undefined) {
        if (options.reason === undefined) throw usageError('--close needs --reason', 'Say what was found.')
        const path = `${VAULT_PATH}/conflicts/${encodeURIComponent(options.close)}/closure`
        await admin.call('POST', path, { body: { reason: options.reason } })
        output.result({ closed: options.close }, () => fields([['closed', options.close]]))
        return undefined
      }
      const answer = await admin.get<{ items: PoolConflict[] }>(`${VAULT_PATH}/conflicts`)
      output.result(answer, () =>
        table(
          [
            { heading: 'INDEX', cell: (one) => one.index, align: 'right' },
            { heading: 'KIND', cell: (one) => one.kind },
            { heading: 'SEEN', cell: (one) => one.seenAt },
            { heading: 'EVENT', cell: (one) => one.source },
            { heading: 'CLOSED', cell: (one) => one.closedAt },
            { heading: 'ID', cell: (one) => one.id },
          ],
          answer.items,
          'no conflicts',
        ),
      )
      return undefined
    }),
  )
}
