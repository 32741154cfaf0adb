import type { Command } from 'commander'
import type { E2eKey, KeyUsage, Usage } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { keyPath, keysPath } from '../admin/key-path.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { CommandError } from '../command-error.ts'
import { EXIT_UNSAFE } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { describeKey } from '../terminal/describe-key.ts'
import { describeVerdict } from '../terminal/describe-verdict.ts'
import { confirmTyped } from '../terminal/prompt.ts'
import { USAGE_WINDOW_DEFAULT } from './keys-usage.ts'

interface Options extends ServerOptions {
  reason: string
  window: string
  yes: boolean
  force: boolean
}

/** `keyhaven keys revoke`: shows what would break, asks, and erases the private key. */
export function keysRevokeCommand(frame: Frame, keys: Command): void {
  const revoke = describe(
    keys.command('revoke'),
    'revoke a key for ever: its private part is erased and no envelope under it is opened again',
    [
      [
        'keyhaven keys revoke demo 1 --reason "rotation 2026"',
        'Shows the verdict and asks you to type the key number',
      ],
      ['keyhaven keys revoke demo 1 --reason leaked --yes --force', 'At once, whoever breaks'],
    ],
  )
    .argument('<application>', 'application id')
    .argument('<key>', 'key number of a live key, or its id (UUID)')
    .requiredOption('--reason <text>', 'why; it goes into the audit log')
    .option('--window <duration>', 'look back so far for the verdict: 24h, 30d', USAGE_WINDOW_DEFAULT)
    .option('--yes', 'do not ask')
    .option('--force', 'also if installations would break, or it is the last live key')
  withServerOptions(revoke).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const [applicationId, name] = args as [string, string]
      using admin = await connectAdmin(context, options)
      const key = await admin.get<E2eKey>(keyPath(applicationId, name))
      if (key.state !== 'revoked') {
        const usage = await admin.get<Usage>(`${keysPath(applicationId)}/usage`, { window: options.window })
        const verdict = usage.keys.find((entry) => entry.id === key.id)?.verdict
        if (verdict !== undefined) output.note(`key ${key.keyId}: ${describeVerdict(output, verdict)}`)
        // Whoever reads the verdict and types the number has decided; a script has not read it.
        if (options.yes && !options.force) requireSafe(key, verdict)
        const question = `Revoke key ${key.keyId} of ${applicationId} for ever?`
        await confirmTyped({ context, output, options }, question, String(key.keyId))
      }
      const body = { reason: options.reason, force: options.force || undefined }
      const revoked = await admin
        .call<E2eKey>('POST', `${keyPath(applicationId, key.id)}/revoke`, { body })
        .catch((error: unknown) => {
          throw lastKeyAsUnsafe(error)
        })
      output.result(revoked, () => describeKey(revoked))
      return undefined
    }),
  )
}

function requireSafe(key: E2eKey, verdict: KeyUsage['verdict'] | undefined): void {
  if (verdict?.safe === true) return
  throw new CommandError(
    'CONFLICT',
    verdict === undefined
      ? `nothing is known of who uses key ${key.keyId}`
      : `revoking key ${key.keyId} would break ${verdict.installations} installations`,
    'Wait until `keyhaven keys usage APPLICATION` calls it safe, or give --force.',
    EXIT_UNSAFE,
  )
}

function lastKeyAsUnsafe(error: unknown): unknown {
  if (!(error instanceof CommandError) || error.code !== 'CONFLICT') return error
  return new CommandError(
    'CONFLICT',
    error.message,
    'Add another key first with `keyhaven keys add APPLICATION`, or give --force: then no app gets through.',
    EXIT_UNSAFE,
  )
}
