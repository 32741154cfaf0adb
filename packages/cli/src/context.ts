import type { Readable, Writable } from 'node:stream'

/** A stream that may be a terminal. */
export type Terminal<S> = S & {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Everything a command takes from its surroundings, so that tests can give it others. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Terminal<Readable> & { setRawMode?: (raw: boolean) => unknown }
  readonly stdout: Terminal<Writable>
  readonly stderr: Terminal<Writable>
  /** Relative file names start here. */
  readonly cwd: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly fetch: typeof fetch
}

export function processContext(): Context {
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: process.cwd(),
    now: Date.now,
    fetch: globalThis.fetch,
  }
}
