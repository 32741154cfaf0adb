import { dirname, isAbsolute, join, resolve } from 'node:path'
import { KeyhavenError, nearestName } from '@keyhaven/crypto'
import { z } from 'zod'
import type { Config, DatabaseConfig } from './config.ts'
import { IDENTITY_SETTINGS, identityConfig, identityProblems } from './identity-settings.ts'
import { OBJECT_SETTINGS, objectProblems, objectsConfig } from './object-settings.ts'
import {
  httpUrl,
  integer,
  LISTEN,
  LOG_LEVELS,
  LOG_ORIGIN,
  ON_OFF,
  ORIGINS,
  ROLE_MAP,
  WITNESSES,
} from './setting-values.ts'

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

const PREFIX = 'KEYHAVEN_'
const MIN_MANIFEST_LIFETIME_SECONDS = 600
const MAX_MANIFEST_LIFETIME_SECONDS = 86_400
const MAX_WORKERS = 64
const MAX_PORT = 65_535
const MIN_TOKEN_CHARACTERS = 16
const DEFAULT_RENEWAL_GRACE_DAYS = 30
const MAX_RENEWAL_GRACE_DAYS = 90
const LOG_FOLDER = 'log'
const GIBIBYTE = 1_024 ** 3

const SETTINGS = z.object({
  KEYHAVEN_HOST: z.string().min(1).default('127.0.0.1'),
  KEYHAVEN_PORT: integer(0, MAX_PORT).default(8787),
  KEYHAVEN_ADMIN_LISTEN: LISTEN.default({ host: '127.0.0.1', port: 8788 }),
  KEYHAVEN_ADMIN_URL: httpUrl.optional(),
  KEYHAVEN_PUBLIC_URL: httpUrl.optional(),
  KEYHAVEN_DATA_DIR: z.string().min(1).default('.keyhaven'),
  KEYHAVEN_DATABASE_URL: z
    .string()
    .regex(
      /^(sqlite:.+|postgres(ql)?:\/\/.+)$/,
      'must be sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/NAME',
    )
    .optional(),
  KEYHAVEN_REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/.+$/, 'must be redis://HOST:PORT or rediss://HOST:PORT')
    .optional(),
  KEYHAVEN_ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
    .min(MIN_TOKEN_CHARACTERS, `must have at least ${MIN_TOKEN_CHARACTERS} characters`)
    .optional(),
  KEYHAVEN_OIDC_ISSUER: httpUrl.optional(),
  KEYHAVEN_OIDC_CLIENT_ID: z.string().min(1).optional(),
  KEYHAVEN_OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  KEYHAVEN_OIDC_ROLE_CLAIM: z.string().min(1).default('roles'),
  KEYHAVEN_OIDC_ROLE_MAP: ROLE_MAP.default({}),
  KEYHAVEN_OIDC_NAME: z.string().min(1).default('Single sign-on'),
  KEYHAVEN_OIDC_SCOPES: z.string().min(1).default('openid profile'),
  KEYHAVEN_TLS_CERT: z.string().min(1).optional(),
  KEYHAVEN_TLS_KEY: z.string().min(1).optional(),
  KEYHAVEN_REQUIRE_CHANNEL: ON_OFF.default(true),
  KEYHAVEN_WORKERS: integer(1, MAX_WORKERS).default(1),
  KEYHAVEN_MASTER_KEY_FILE: z.string().min(1).optional(),
  KEYHAVEN_MASTER_PASSPHRASE_FILE: z.string().min(1).optional(),
  KEYHAVEN_MANIFEST_LIFETIME: integer(
    MIN_MANIFEST_LIFETIME_SECONDS,
    MAX_MANIFEST_LIFETIME_SECONDS,
    'seconds',
  ).default(MAX_MANIFEST_LIFETIME_SECONDS),
  KEYHAVEN_UPSTREAMS: ORIGINS.default([]),
  KEYHAVEN_LOG_DIR: z.string().min(1).optional(),
  KEYHAVEN_LOG_ORIGIN: LOG_ORIGIN.optional(),
  KEYHAVEN_WITNESSES: WITNESSES.default([]),
  KEYHAVEN_USERS_OIDC_ISSUER: httpUrl.optional(),
  KEYHAVEN_USERS_OIDC_CLIENT_ID: z.string().min(1).optional(),
  KEYHAVEN_LEGACY_PROFILE: ON_OFF.default(false),
  KEYHAVEN_RENEWAL_GRACE_DAYS: integer(0, MAX_RENEWAL_GRACE_DAYS, 'days').default(DEFAULT_RENEWAL_GRACE_DAYS),
  ...OBJECT_SETTINGS,
  ...IDENTITY_SETTINGS,
  KEYHAVEN_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
})

/** Every variable there is, for documentation and shell completion. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS.shape)

const OVERRIDES: Readonly<Record<keyof ConfigOverrides, { variable: string; option: string }>> = {
  host: { variable: 'KEYHAVEN_HOST', option: '--host' },
  port: { variable: 'KEYHAVEN_PORT', option: '--port' },
  adminListen: { variable: 'KEYHAVEN_ADMIN_LISTEN', option: '--admin-listen' },
  dataDir: { variable: 'KEYHAVEN_DATA_DIR', option: '--data' },
  databaseUrl: { variable: 'KEYHAVEN_DATABASE_URL', option: '--database-url' },
  workers: { variable: 'KEYHAVEN_WORKERS', option: '--workers' },
  upstreams: { variable: 'KEYHAVEN_UPSTREAMS', option: '--upstream' },
}

/**
 * Reads `KEYHAVEN_*` and the overrides; an empty variable counts as unset.
 *
 * @throws KeyhavenError `CONFIG_INVALID`, naming each variable and what is allowed, never a value.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: ConfigOverrides = {},
): Config {
  const given: Record<string, string> = {}
  const shownAs = new Map<string, string>()
  const problems: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined) continue
    if (!SETTING_NAMES.includes(name)) problems.push(unknownSetting(name))
    else if (value !== '') given[name] = value
  }
  for (const [name, { variable, option }] of Object.entries(OVERRIDES)) {
    const value = overrides[name as keyof ConfigOverrides]
    if (value === undefined) continue
    given[variable] = value
    shownAs.set(variable, option)
  }
  const parsed = SETTINGS.safeParse(given)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const name = String(path[0])
      problems.push(`${shownAs.get(name) ?? name} ${message}`)
    }
  }
  if (parsed.success) {
    problems.push(...missingPartners(given), ...objectProblems(given), ...identityProblems(given))
  }
  if (!parsed.success || problems.length > 0) throw new KeyhavenError('CONFIG_INVALID', problems.join('; '))
  return toConfig(parsed.data)
}

/** What all names have in common makes none of them nearer. */
function unknownSetting(name: string): string {
  const rest = SETTING_NAMES.map((known) => known.slice(PREFIX.length))
  const nearest = nearestName(name.slice(PREFIX.length), rest)
  return nearest === undefined
    ? `${name} is not a setting (\`keyhaven serve --help\` lists them all)`
    : `${name} is not a setting: did you mean ${PREFIX}${nearest}?`
}

function missingPartners(given: Readonly<Record<string, string>>): string[] {
  const needs: [string, string][] = [
    ['KEYHAVEN_TLS_CERT', 'KEYHAVEN_TLS_KEY'],
    ['KEYHAVEN_TLS_KEY', 'KEYHAVEN_TLS_CERT'],
    ['KEYHAVEN_OIDC_ISSUER', 'KEYHAVEN_OIDC_CLIENT_ID'],
    ['KEYHAVEN_USERS_OIDC_ISSUER', 'KEYHAVEN_USERS_OIDC_CLIENT_ID'],
    ['KEYHAVEN_USERS_OIDC_CLIENT_ID', 'KEYHAVEN_USERS_OIDC_ISSUER'],
    ['KEYHAVEN_S3_ACCESS_KEY_ID', 'KEYHAVEN_S3_SECRET_ACCESS_KEY'],
    ['KEYHAVEN_S3_SECRET_ACCESS_KEY', 'KEYHAVEN_S3_ACCESS_KEY_ID'],
    ...['CLIENT_ID', 'CLIENT_SECRET', 'ROLE_CLAIM', 'ROLE_MAP', 'NAME', 'SCOPES'].map(
      (part): [string, string] => [`KEYHAVEN_OIDC_${part}`, 'KEYHAVEN_OIDC_ISSUER'],
    ),
  ]
  return needs
    .filter(([name, partner]) => name in given && !(partner in given))
    .map(([name, partner]) => `${name} needs ${partner}`)
}

function toConfig(settings: z.infer<typeof SETTINGS>): Config {
  const dataDir = resolve(settings.KEYHAVEN_DATA_DIR)
  const optional = <Name extends string, T>(name: Name, value: T | undefined) =>
    (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, T>>
  return {
    host: settings.KEYHAVEN_HOST,
    port: settings.KEYHAVEN_PORT,
    admin: settings.KEYHAVEN_ADMIN_LISTEN,
    ...optional('adminUrl', settings.KEYHAVEN_ADMIN_URL),
    ...optional('publicUrl', settings.KEYHAVEN_PUBLIC_URL),
    dataDir,
    database: databaseConfig(settings.KEYHAVEN_DATABASE_URL, dataDir),
    ...optional('redisUrl', settings.KEYHAVEN_REDIS_URL),
    ...optional('adminToken', settings.KEYHAVEN_ADMIN_TOKEN),
    ...optional('oidc', oidcConfig(settings)),
    ...optional('tls', tlsConfig(settings)),
    requireChannel: settings.KEYHAVEN_REQUIRE_CHANNEL,
    workers: settings.KEYHAVEN_WORKERS,
    masterKeyFile: masterKeyFile(settings, dataDir),
    ...optional(
      'masterPassphraseFile',
      settings.KEYHAVEN_MASTER_PASSPHRASE_FILE && resolve(settings.KEYHAVEN_MASTER_PASSPHRASE_FILE),
    ),
    manifestLifetimeSeconds: settings.KEYHAVEN_MANIFEST_LIFETIME,
    upstreams: settings.KEYHAVEN_UPSTREAMS,
    logLevel: settings.KEYHAVEN_LOG_LEVEL,
    directory: directoryConfig(settings, dataDir),
    objects: objectsConfig(settings, dataDir),
    conversationKeys: settings.KEYHAVEN_CONVERSATION_KEYS,
    conversationFileBytes: settings.KEYHAVEN_FILES_QUOTA * GIBIBYTE,
    ...optional('identity', identityConfig(settings)),
  }
}

function directoryConfig(settings: z.infer<typeof SETTINGS>, dataDir: string): Config['directory'] {
  const { KEYHAVEN_USERS_OIDC_ISSUER: issuer, KEYHAVEN_USERS_OIDC_CLIENT_ID: clientId } = settings
  const logOrigin = settings.KEYHAVEN_LOG_ORIGIN
  const beside = dirname(masterKeyFile(settings, dataDir))
  return {
    logDir: resolve(settings.KEYHAVEN_LOG_DIR ?? join(beside, LOG_FOLDER)),
    ...(logOrigin === undefined ? {} : { logOrigin }),
    witnesses: settings.KEYHAVEN_WITNESSES,
    ...(issuer === undefined || clientId === undefined ? {} : { oidc: { issuer, clientId } }),
    legacyProfile: settings.KEYHAVEN_LEGACY_PROFILE,
    renewalGraceDays: settings.KEYHAVEN_RENEWAL_GRACE_DAYS,
  }
}

function masterKeyFile(settings: z.infer<typeof SETTINGS>, dataDir: string): string {
  return resolve(settings.KEYHAVEN_MASTER_KEY_FILE ?? join(dataDir, 'master.key'))
}

function databaseConfig(url: string | undefined, dataDir: string): DatabaseConfig {
  if (url === undefined) return { dialect: 'sqlite', file: resolve(dataDir, 'keyhaven.db') }
  if (!url.startsWith('sqlite:')) return { dialect: 'postgres', url }
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  return { dialect: 'sqlite', file: isAbsolute(path) ? path : resolve(path) }
}

function oidcConfig(settings: z.infer<typeof SETTINGS>): Config['oidc'] {
  const { KEYHAVEN_OIDC_ISSUER: issuer, KEYHAVEN_OIDC_CLIENT_ID: clientId } = settings
  if (issuer === undefined || clientId === undefined) return undefined
  const clientSecret = settings.KEYHAVEN_OIDC_CLIENT_SECRET
  return {
    issuer,
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    roleClaim: settings.KEYHAVEN_OIDC_ROLE_CLAIM,
    roleMap: settings.KEYHAVEN_OIDC_ROLE_MAP,
    name: settings.KEYHAVEN_OIDC_NAME,
    scopes: settings.KEYHAVEN_OIDC_SCOPES,
  }
}

function tlsConfig(settings: z.infer<typeof SETTINGS>): Config['tls'] {
  const { KEYHAVEN_TLS_CERT: certFile, KEYHAVEN_TLS_KEY: keyFile } = settings
  if (certFile === undefined || keyFile === undefined) return undefined
  return { certFile: resolve(certFile), keyFile: resolve(keyFile) }
}
