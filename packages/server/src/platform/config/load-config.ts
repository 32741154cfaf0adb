import type { Config } from './config.ts'

/** Settings given on the command line; they win over the environment. */
export interface ConfigOverrides {
  readonly host?: string
  readonly port?: string
  readonly adminListen?: string
  readonly dataDir?: string
  readonly databaseUrl?: string
  readonly workers?: string
  /** Comma-separated origins. */
  readonly upstreams?: string
}

/** Reads `KEYHAVEN_*` and the overrides. @throws KeyhavenError `CONFIG_INVALID`. Being built: types first. */
export declare function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides?: ConfigOverrides,
): Config
