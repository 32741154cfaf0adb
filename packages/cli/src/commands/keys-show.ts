import { type Command, Option } from 'commander'
import type { E2eKey } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keyPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { describeKey } from '../terminal/describe-key.ts'
import { table } from '../terminal/output.ts'

const FORMATS = ['text', 'jwk', 'base64url', 'config', 'sdk'] as const

interface Options extends ServerOptions {
  format: (typeof FORMATS)[number]
}

/** `keyhaven keys show`: a key's facts and history, or its public part in the form that a program wants. */
export function keysShowCommand(frame: Frame, keys: Command): void {
  const show = describe(keys.command('show'), 'show a key and its history, or its public part for an app', [
    ['keyhaven keys show demo 1', 'State, times and who did what'],
    ['keyhaven keys show demo 1 --format sdk', 'The line for an app that pins its keys'],
    ['keyhaven keys show demo 1 --format jwk', 'The public key as a JWK'],
  ])
    .argument('<application>', 'application id')
    .argument('<key>', 'key number of a live key, or its id (UUID)')
    .addOption(
      new Option('--format <format>', 'what to print of it')
        .choices(FORMATS)
        .default('text' satisfies (typeof FORMATS)[number]),
    )
  withServerOptions(show).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const key = await admin.get<E2eKey>(keyPath(args[0]!, args[1]!))
      output.result(key, () => formatKey(key, options.format))
      return undefined
    }),
  )
}

function formatKey(key: E2eKey, format: Options['format']): string {
  switch (format) {
    case 'jwk':
      return JSON.stringify(key.jwk)
    case 'base64url':
      return key.publicKey
    case 'config':
      return key.keyConfig
    case 'sdk':
      return `trust: { pinnedKeys: [${JSON.stringify({ keyId: key.keyId, suite: key.suite, publicKey: key.publicKey })}] }`
    case 'text':
      return [describeKey(key), '', describeHistory(key)].join('\n')
  }
}

function describeHistory(key: E2eKey): string {
  return table(
    [
      { heading: 'STATE', cell: (step) => step.state },
      { heading: 'SINCE', cell: (step) => step.at },
      { heading: 'BY', cell: (step) => step.actor },
      { heading: 'REASON', cell: (step) => step.reason },
    ],
    key.history,
    'no history',
  )
}
