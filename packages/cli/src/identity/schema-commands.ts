import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import { describe, type Frame } from '../frame.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'
import { type Column, table } from '../terminal/output.ts'
import { identityAction, noOptions } from './identity-command.ts'
import { identityPath } from './registration-api.ts'

interface KeptSchema {
  readonly version: number
  readonly fields: number
  readonly addedAt: string
  readonly addedBy: string
}

const COLUMNS: readonly Column<KeptSchema>[] = [
  { heading: 'VERSION', cell: ({ version }) => version, align: 'right' },
  { heading: 'FIELDS', cell: ({ fields }) => fields, align: 'right' },
  { heading: 'ADDED', cell: ({ addedAt }) => addedAt },
  { heading: 'BY', cell: ({ addedBy }) => addedBy },
]
const VERSION = /^\d{1,6}(\.\d{1,6})?$/

/** `keyhaven identity schemas`: what packets must hold. */
export function identitySchemasCommand(frame: Frame, identity: Command): void {
  const schemas = describe(
    identity.command('schemas'),
    'ID schemas that packets must follow, by version; without any, packets are checked for structure only',
    [
      [
        'keyhaven identity schemas add demo schema.json --schema-version 0.1',
        'Other versions are rejected from now on',
      ],
    ],
  )
  identityAction(
    frame,
    schemas,
    {
      name: 'list',
      summary: 'list the schemas',
      examples: [['keyhaven identity schemas list demo', 'Which versions packets may name']],
    },
    noOptions,
    async ({ output, args }, admin) => {
      const found = await admin.get<{ readonly items: readonly KeptSchema[] }>(
        identityPath(args[0]!, 'schemas'),
      )
      output.result(found, () =>
        table(COLUMNS, found.items, 'no schemas: packets are checked for structure only'),
      )
    },
  )
  identityAction<{ schemaVersion: string }>(
    frame,
    schemas,
    {
      name: 'add',
      summary: 'add a schema; it is kept for ever, and a changed one needs a new version',
      examples: [['keyhaven identity schemas add demo schema.json --schema-version 0.1', 'In MOSIP’s form']],
      arguments: [['<file>', 'JSON; - is stdin']],
    },
    (command) => command.requiredOption('--schema-version <number>', 'what packets call it: IDSchemaVersion'),
    async ({ context, output, options, args }, admin) => {
      const [application = '', file = ''] = args
      if (!VERSION.test(options.schemaVersion)) {
        throw usageError(
          `--schema-version: "${options.schemaVersion}" is not a version`,
          'Write it like 0.1.',
        )
      }
      const schema = parseUserJson(file, await readInput(context, file))
      const body = { version: Number(options.schemaVersion), schema }
      const added = await admin.call<KeptSchema>('POST', identityPath(application, 'schemas'), { body })
      output.result(added, () => table(COLUMNS, [added], ''))
    },
  )
}
