import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'

const DEFAULT_SERVER = 'http://127.0.0.1:8788'
/** An app ships two root thumbprints, one of them a spare. */
const TRUST_MAX_THUMBPRINTS = 2
/** RFC 7638 with SHA-256, base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** How a command reaches the admin API, as the options say it. */
export interface ServerOptions {
  readonly server?: string
  readonly trust?: readonly string[]
  readonly data?: string
}

/** Adds `--server`, `--trust` and `--data` to a command. */
export function withServerOptions(command: Command): Command {
  return withReachOptions(command).option(
    '--data <dir>',
    'folder that holds admin-token (KEYHAVEN_DATA_DIR; default .keyhaven)',
  )
}

/** Adds `--server` and `--trust` to a command. */
export function withReachOptions(command: Command): Command {
  return command
    .option('--server <url>', `admin API of the server (KEYHAVEN_SERVER; default ${DEFAULT_SERVER})`)
    .option(
      '--trust <thumbprint>',
      "root thumbprint of a server elsewhere; a second time for the spare's (KEYHAVEN_TRUST)",
      collectThumbprints,
    )
}

/** The address and the roots: an option wins over its variable. */
export function serverToReach(
  context: Context,
  options: ServerOptions,
): { readonly server: string; readonly trust: readonly string[] } {
  const { KEYHAVEN_SERVER, KEYHAVEN_TRUST } = context.env
  return {
    server: options.server ?? (KEYHAVEN_SERVER || DEFAULT_SERVER),
    trust: options.trust ?? (KEYHAVEN_TRUST ? collectThumbprints(KEYHAVEN_TRUST) : []),
  }
}

/** For options that may be given more than once, or as a list with commas. */
export function collectThumbprints(text: string, previous: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((part) => part.trim())
  const wrong = given.find((part) => !THUMBPRINT.test(part))
  if (wrong !== undefined) {
    throw usageError(
      `"${wrong}" is not a thumbprint`,
      'It has 43 letters, digits, - or _; `keyhaven trust root show FILE` and `keyhaven trust status ' +
        'APPLICATION` print it.',
    )
  }
  const all = [...previous, ...given]
  if (all.length > TRUST_MAX_THUMBPRINTS) {
    throw usageError(`${all.length} thumbprints are too many`, 'Give the root in use, and at most one spare.')
  }
  return all
}
