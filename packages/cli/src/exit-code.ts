import type { ErrorCode } from '@keyhaven/crypto'

/** `INTERNAL` stands for a fault of ours, `INTERRUPTED` for Ctrl-C. */
export type FailureCode = ErrorCode | 'INTERNAL' | 'INTERRUPTED'

/** What the command tells the shell. Part of the API: docs/guides/cli.md and `keyhaven --help` list them. */
export const EXIT_OK = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2
export const EXIT_DENIED = 3
export const EXIT_NOT_FOUND = 4
export const EXIT_UNSAFE = 5
/** 128 + SIGINT, as shells count. */
export const EXIT_INTERRUPTED = 130

export const EXIT_CODE_MEANINGS: ReadonlyArray<readonly [number, string]> = [
  [EXIT_OK, 'done'],
  [EXIT_FAILED, 'failed'],
  [EXIT_USAGE, 'wrong usage or wrong settings'],
  [EXIT_DENIED, 'not signed in, or not allowed'],
  [EXIT_NOT_FOUND, 'not found'],
  [EXIT_UNSAFE, 'unsafe, so not done without --force'],
  [EXIT_INTERRUPTED, 'interrupted'],
]

/** The exit code that goes with an error's code. */
export function exitCodeOf(code: FailureCode): number {
  switch (code) {
    case 'INPUT_INVALID':
    case 'CONFIG_INVALID':
      return EXIT_USAGE
    case 'UNAUTHENTICATED':
    case 'ACCESS_DENIED':
      return EXIT_DENIED
    case 'NOT_FOUND':
      return EXIT_NOT_FOUND
    default:
      return EXIT_FAILED
  }
}
