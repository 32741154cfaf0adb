import { Option } from 'commander'

/** The suites that a server makes keys of, by their KEM. */
export const SUITE_NAMES = ['x-wing', 'x25519', 'p-256']

/** `--suite`, refused here already, with what is allowed, before a server is called. */
export function suiteOption(description: string): Option {
  return new Option('--suite <suite>', description).choices(SUITE_NAMES)
}
