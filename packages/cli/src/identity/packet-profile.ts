import type { Profile } from '@keyhaven/identity/names'
import { type Command, Option } from 'commander'
import { usageError } from '../command-error.ts'

/** Written here, so that no help loads the package. */
const PROFILES: readonly Profile[] = ['mosip', 'keyhaven']

export interface ProfileOption {
  readonly profile: Profile
}

/** `--profile`: nothing is guessed from a file, as no decoder tries the other's layout. */
export function withProfile(command: Command): Command {
  return command.addOption(
    new Option('--profile <name>', 'layout and keys of the packet').choices(PROFILES).default('mosip'),
  )
}

/**
 * What a profile needs, and what is of the other one.
 *
 * @throws CommandError `INPUT_INVALID`
 */
export function requireOptions<Name extends string>(
  profile: Profile,
  given: Readonly<Record<Name, string | undefined>>,
  names: { readonly needed: readonly Name[]; readonly foreign: readonly Name[] },
): asserts given is Readonly<Record<Name, string>> {
  const flags = (list: readonly Name[]) => list.map((name) => `--${kebab(name)}`).join(' and ')
  const foreign = names.foreign.filter((name) => given[name] !== undefined)
  if (foreign.length > 0) {
    throw usageError(
      `${flags(foreign)} is of the other profile`,
      `In profile ${profile} give ${flags(names.needed)}, or choose another with --profile.`,
    )
  }
  const missing = names.needed.filter((name) => given[name] === undefined)
  if (missing.length > 0) {
    throw usageError('the keys are missing', `In profile ${profile} give ${flags(names.needed)}.`)
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
