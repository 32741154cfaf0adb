import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { readSecret } from '../terminal/prompt.ts'

export const ROOT_PASSPHRASE_VARIABLE = 'KEYHAVEN_ROOT_PASSPHRASE'
const INSTEAD = `Set ${ROOT_PASSPHRASE_VARIABLE}, or run it at a terminal.`

/** The passphrase of a root key file: from the environment, else typed. Never an argument. */
export async function askPassphrase(context: Context, file: string): Promise<string> {
  return context.env[ROOT_PASSPHRASE_VARIABLE] || readSecret(context, `Passphrase of ${file}: `, INSTEAD)
}

/** A passphrase for a new file, typed twice. */
export async function askNewPassphrase(context: Context): Promise<string> {
  const given = context.env[ROOT_PASSPHRASE_VARIABLE]
  if (given) return given
  const first = await readSecret(context, 'New passphrase: ', INSTEAD)
  const second = await readSecret(context, 'The same again: ', INSTEAD)
  if (first !== second) throw usageError('the two passphrases differ', 'Run the command again.')
  return first
}
