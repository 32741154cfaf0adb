import type { Command } from 'commander'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { LOCAL_ACTOR } from '../local/local-actor.ts'
import { withProgress } from '../local/progress-work.ts'
import { OBJECT_SETTINGS } from '../local/server-settings.ts'
import { DATA_SETTINGS, readSettings, withSettings } from '../local/settings.ts'
import { fields, table } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'

interface Options extends Record<string, unknown> {
  repair?: boolean
  yes?: boolean
}

const SETTINGS = [...DATA_SETTINGS, ...OBJECT_SETTINGS]
const MEANINGS: Readonly<Record<string, string>> = {
  'object-missing': 'its bytes are gone',
  'wrong-size': 'its bytes are damaged',
  'row-missing': 'the database does not know it',
  'upload-left': 'rest of an upload that nobody goes on with',
}

/** `keyhaven files verify`: rows without objects, objects without rows, wrong sizes. */
export function filesVerifyCommand(frame: Frame, files: Command): void {
  const verify = describe(
    files.command('verify'),
    'compare the database with the object store, also while the server runs',
    [
      ['keyhaven files verify', 'Exit code 1 if something does not fit'],
      ['keyhaven files verify --repair', 'Also remove what has no counterpart; asks you to type repair'],
    ],
  )
    .option('--repair', 'remove objects without a row, rows without an object, and rests of uploads')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nAfter the database was restored, files that are newer than the backup have no row: --repair deletes them.\n' +
        'A bucket or folder belongs to one installation only.',
    )
  withSettings(verify, SETTINGS).action(
    action<Options>(frame, async ({ context, output, options }) => {
      const server = await import('@keyhaven/server/maintenance')
      const config = readSettings(context, SETTINGS, options, server.loadConfig)
      const repair = options.repair === true
      if (repair) {
        const question = 'Remove for good what has no counterpart in the database or in the object store?'
        await confirmTyped({ context, output, options }, question, 'repair')
      }
      const result = await withProgress(context, output.json, 'verify', (work) =>
        server.verifyFiles(config, { ...work, repair, actor: LOCAL_ACTOR, clock: context.now }),
      )
      const open = result.findings.filter((finding) => !finding.repaired)
      output.result({ ...result, valid: open.length === 0 }, () =>
        [
          fields([
            ['files', result.files],
            ['objects', result.objects],
            ['problems', result.findings.length],
          ]),
          ...(result.findings.length === 0 ? [] : ['', findingsTable(result.findings)]),
        ].join('\n'),
      )
      return open.length === 0 ? EXIT_OK : EXIT_FAILED
    }),
  )
}

function findingsTable(
  findings: ReadonlyArray<{ readonly problem: string; readonly object: string; readonly repaired: boolean }>,
): string {
  return table(
    [
      { heading: 'OBJECT', cell: (finding) => finding.object },
      { heading: 'PROBLEM', cell: (finding) => MEANINGS[finding.problem] ?? finding.problem },
      { heading: 'REPAIRED', cell: (finding) => (finding.repaired ? 'yes' : 'no') },
    ],
    findings,
    '',
  )
}
