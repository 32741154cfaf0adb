import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'

export const DEFAULT_DATA_DIR = '.keyhaven'
export const ADMIN_TOKEN_FILE = 'admin-token'
/** What an HTTP header may carry as a token (RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** The data folder as an absolute path: `--data`, else KEYHAVEN_DATA_DIR, else `.keyhaven`. */
export function dataDirectory(context: Context, option: string | undefined): string {
  return resolve(context.cwd, option ?? context.env.KEYHAVEN_DATA_DIR ?? DEFAULT_DATA_DIR)
}

/**
 * The admin token, from KEYHAVEN_ADMIN_TOKEN or the data folder's file. It is never an argument, because
 * every user of a machine can read the arguments of its processes.
 *
 * @param local - whether the server is on this machine. For another one the default folder is not looked at:
 *   its token belongs to the local server, and is nobody else's business.
 */
export async function readAdminToken(
  context: Context,
  options: { readonly data?: string },
  local: boolean,
): Promise<string> {
  const fromEnvironment = context.env.KEYHAVEN_ADMIN_TOKEN
  if (fromEnvironment) return checked(fromEnvironment.trim(), 'KEYHAVEN_ADMIN_TOKEN')
  const named = options.data !== undefined || context.env.KEYHAVEN_DATA_DIR !== undefined
  if (!local && !named) {
    throw new CommandError(
      'UNAUTHENTICATED',
      'there is no token for this server',
      'Set KEYHAVEN_ADMIN_TOKEN to a token of that server, or name a folder with its admin-token with ' +
        '--data DIR.',
    )
  }
  const file = join(dataDirectory(context, options.data), ADMIN_TOKEN_FILE)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      'UNAUTHENTICATED',
      error.code === 'ENOENT'
        ? `there is no token: KEYHAVEN_ADMIN_TOKEN is not set and ${file} does not exist`
        : `cannot read the token in ${file} (${error.code})`,
      "Set KEYHAVEN_ADMIN_TOKEN, or name the server's data folder with --data DIR.",
    )
  })
  return checked(text.trim(), file)
}

function checked(token: string, source: string): string {
  if (TOKEN.test(token)) return token
  throw new CommandError(
    'UNAUTHENTICATED',
    `${source} does not hold a token`,
    'It must be one word, as the server wrote it or `keyhaven tokens add` printed it.',
  )
}
