import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import type { DirectoryLog, LogVerdict } from '../admin/directory-api.ts'
import { directoryPath } from '../admin/directory-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'

/** `keyhaven directory log`: the log as its server sees it. */
export function directoryLogCommand(frame: Frame, directory: Command): void {
  const log = describe(directory.command('log'), "the directory's log as its server sees it", [
    ['keyhaven directory log show demo', 'The key that apps and witnesses are configured with'],
    ['keyhaven directory log check demo', 'Let the server recompute it'],
  ])
  showCommand(frame, log)
  checkCommand(frame, log)
}

function showCommand(frame: Frame, log: Command): void {
  const show = describe(log.command('show'), 'show size, root, key and witnesses', [
    ['keyhaven directory log show demo', 'Also when each witness cosigned last'],
  ]).argument('<application>', 'application id')
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<DirectoryLog>(`${directoryPath(args[0]!)}/log`)
      output.result(found, () =>
        [
          fields([
            ['origin', found.origin],
            ['verifier key', found.verifierKey],
            ['entries', found.size],
            ['root', found.root],
            ['signed', found.at],
          ]),
          '',
          table(
            [
              { heading: 'WITNESS', cell: (witness) => witness.name },
              { heading: 'LAST COSIGNED', cell: (witness) => witness.lastCosignedAt },
            ],
            found.witnesses,
            'no witnesses; KEYHAVEN_WITNESSES names them',
          ),
        ].join('\n'),
      )
      return undefined
    }),
  )
}

function checkCommand(frame: Frame, log: Command): void {
  const check = describe(
    log.command('check'),
    'let the server recompute its log from the entries; `keyhaven log verify` does not take its word',
    [['keyhaven directory log check demo', 'Exit code 1 if it does not hold']],
  ).argument('<application>', 'application id')
  withServerOptions(check).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const verdict = await admin.call<LogVerdict>('POST', `${directoryPath(args[0]!)}/log/check`)
      output.result(verdict, () =>
        fields([
          ['log', verdict.valid ? output.styledField('green', 'valid') : output.styledField('red', 'BROKEN')],
          ['entries', verdict.size],
          ['root', verdict.root],
          ['checked', verdict.at],
        ]),
      )
      if (verdict.valid) return EXIT_OK
      output.note(
        'An entry, or a hash over entries, was altered or left out. Keep the database as it is and ' +
          'compare it with a backup.',
      )
      return EXIT_FAILED
    }),
  )
}
