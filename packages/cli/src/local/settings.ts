import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { ADVICE } from '../advice.ts'
import { CommandError, usageError } from '../command-error.ts'
import type { Context } from '../context.ts'

/** A setting of the server: its variable, and its option where it has one. */
export interface Setting {
  readonly variable: string
  /** As commander writes it; undefined for secrets, which never go on the command line. */
  readonly flags?: string
  readonly description: string
  readonly default?: string
  /** The option may be given more than once. */
  readonly repeat?: boolean
}

/** Where the data lies: for every command that opens it. */
export const DATA_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_DATA_DIR',
    flags: '--data <dir>',
    description: 'data folder',
    default: '.keyhaven',
  },
  {
    variable: 'KEYHAVEN_DATABASE_URL',
    flags: '--database-url <url>',
    description: 'sqlite:FILE or postgres://…; a password only in the variable',
    default: 'keyhaven.db in the data folder',
  },
  {
    variable: 'KEYHAVEN_MASTER_KEY_FILE',
    flags: '--master-key-file <file>',
    description: 'key that all private keys are wrapped with; the rollback anchor lies beside it',
    default: 'master.key in the data folder',
  },
  {
    variable: 'KEYHAVEN_MASTER_PASSPHRASE_FILE',
    flags: '--master-passphrase-file <file>',
    description: 'derive the master key from the passphrase in this file (Argon2id)',
  },
  {
    variable: 'KEYHAVEN_LOG_DIR',
    flags: '--log-dir <dir>',
    description: "the directory's log once more, outside the database",
    default: 'log beside the master key',
  },
]

/** Adds the options of the settings to a command. */
export function withSettings(command: Command, settings: readonly Setting[]): Command {
  for (const setting of settings) {
    if (setting.flags === undefined) continue
    const standard = setting.default === undefined ? '' : `; default ${setting.default}`
    const option = new Option(setting.flags, `${setting.description} (${setting.variable}${standard})`)
    if (setting.repeat) option.argParser((value, previous: string[] = []) => [...previous, value])
    command.addOption(option)
  }
  return command
}

/** The help text of the settings that are variables only. */
export function variablesHelp(settings: readonly Setting[]): string {
  const shown = settings.filter((setting) => setting.flags === undefined)
  const width = Math.max(...shown.map((setting) => setting.variable.length))
  const lines = shown.map((setting) => {
    const standard = setting.default === undefined ? '' : ` (default ${setting.default})`
    return `  ${setting.variable.padEnd(width)}  ${setting.description}${standard}`
  })
  return `\nOnly as environment variables:\n${lines.join('\n')}`
}

/** Variables of the command itself, which are no settings of a server. */
const COMMAND_VARIABLES = new Set([
  'KEYHAVEN_DEBUG',
  'KEYHAVEN_ROOT_PASSPHRASE',
  'KEYHAVEN_SERVER',
  'KEYHAVEN_TRUST',
])

/**
 * Reads the settings of a server: an option wins over its variable.
 *
 * @param loadConfig - the server's.
 * @throws CommandError on a wrong setting, naming the option or the variable, whichever was given.
 */
export function readSettings<Config>(
  context: Context,
  settings: readonly Setting[],
  options: Readonly<Record<string, unknown>>,
  loadConfig: (environment: Record<string, string | undefined>) => Config,
): Config {
  const given = givenSettings(context, settings, options)
  const environment = Object.fromEntries(
    Object.entries(context.env).filter(([name]) => !COMMAND_VARIABLES.has(name)),
  )
  for (const { variable, value } of given) environment[variable] = value
  try {
    return loadConfig(environment)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'CONFIG_INVALID') throw error
    const message = given.reduce((text, { variable, flag }) => text.replaceAll(variable, flag), error.message)
    throw new CommandError('CONFIG_INVALID', message, ADVICE.CONFIG_INVALID)
  }
}

/**
 * The settings that were given as options. File names become absolute.
 *
 * @throws CommandError when a password was put on the command line, where every user of the machine can read
 *   it.
 */
function givenSettings(
  context: Context,
  settings: readonly Setting[],
  options: Readonly<Record<string, unknown>>,
): { variable: string; flag: string; value: string }[] {
  const given: { variable: string; flag: string; value: string }[] = []
  for (const { variable, flags } of settings) {
    if (flags === undefined) continue
    const value = options[new Option(flags).attributeName()]
    if (value === undefined) continue
    const text = Array.isArray(value) ? value.join(',') : String(value)
    if (text === '') throw usageError(`${longFlag(flags)} is empty`, 'Give it a value, or leave it out.')
    if (URL.canParse(text) && new URL(text).password !== '') {
      throw usageError(
        `${longFlag(flags)}: a password on the command line can be read by every user of this machine`,
        `Set ${variable} instead.`,
      )
    }
    const isPath = flags.endsWith('<dir>') || flags.endsWith('<file>')
    given.push({ variable, flag: longFlag(flags), value: isPath ? resolve(context.cwd, text) : text })
  }
  return given
}

function longFlag(flags: string): string {
  return flags.split(' ')[0]!
}
