import { DATA_SETTINGS, type Setting } from './settings.ts'

const LISTEN_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_PORT',
    flags: '--port <number>',
    description: 'port of the public listener',
    default: '8787',
  },
  {
    variable: 'KEYHAVEN_HOST',
    flags: '--host <address>',
    description: 'address of the public listener',
    default: '127.0.0.1',
  },
  {
    variable: 'KEYHAVEN_ADMIN_LISTEN',
    flags: '--admin-listen <address>',
    description: 'admin API and dashboard',
    default: '127.0.0.1:8788',
  },
  {
    variable: 'KEYHAVEN_WORKERS',
    flags: '--workers <number>',
    description: 'processes of the public listener',
    default: '1',
  },
]

const MORE_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_PUBLIC_URL',
    flags: '--public-url <url>',
    description: 'address that apps use, if it is another one',
  },
  {
    variable: 'KEYHAVEN_ADMIN_URL',
    flags: '--admin-url <url>',
    description: 'address that operators use, if it is another one',
  },
  {
    variable: 'KEYHAVEN_REDIS_URL',
    flags: '--redis-url <url>',
    description: 'replay store of several processes; a password only in the variable',
  },
  { variable: 'KEYHAVEN_TLS_CERT', flags: '--tls-cert <file>', description: 'certificate chain, PEM' },
  { variable: 'KEYHAVEN_TLS_KEY', flags: '--tls-key <file>', description: 'its private key, PEM' },
  {
    variable: 'KEYHAVEN_MANIFEST_LIFETIME',
    flags: '--manifest-lifetime <seconds>',
    description: 'how long a manifest holds, 600 to 86400',
    default: '86400',
  },
  {
    variable: 'KEYHAVEN_LOG_ORIGIN',
    flags: '--log-origin <name>',
    description: 'begins the names of new logs, such as keys.example; it cannot be changed later',
    default: 'keyhaven.local/… of this installation',
  },
  {
    variable: 'KEYHAVEN_WITNESSES',
    flags: '--witness <vkey@url>',
    description: 'witness that cosigns the logs, as `keyhaven witness` prints it; more than once for several',
    repeat: true,
  },
  {
    variable: 'KEYHAVEN_LOG_LEVEL',
    flags: '--log-level <level>',
    description: 'silent, fatal, error, warn, info, debug or trace',
    default: 'info',
  },
]

/** Where files lie: for every command that opens them. */
export const OBJECT_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_OBJECTS',
    flags: '--objects <kind>',
    description: 'where files lie: disk or s3',
    default: 'disk',
  },
  {
    variable: 'KEYHAVEN_OBJECTS_DIR',
    flags: '--objects-dir <dir>',
    description: 'folder of the files',
    default: 'objects in the data folder',
  },
  { variable: 'KEYHAVEN_S3_ENDPOINT', flags: '--s3-endpoint <url>', description: 'store other than AWS' },
  {
    variable: 'KEYHAVEN_S3_REGION',
    flags: '--s3-region <name>',
    description: 'region of the bucket',
    default: 'us-east-1',
  },
  { variable: 'KEYHAVEN_S3_BUCKET', flags: '--s3-bucket <name>', description: 'bucket of the files' },
  {
    variable: 'KEYHAVEN_S3_KMS_KEY',
    flags: '--s3-kms-key <id>',
    description: 'KMS key that S3 encrypts each object with',
  },
  {
    variable: 'KEYHAVEN_S3_PATH_STYLE',
    description: 'on: ENDPOINT/BUCKET in place of BUCKET.ENDPOINT',
    default: 'off',
  },
  {
    variable: 'KEYHAVEN_S3_ACCESS_KEY_ID',
    description: 'access key; without it the one that AWS tools find',
  },
  { variable: 'KEYHAVEN_S3_SECRET_ACCESS_KEY', description: 'its secret' },
]

const VARIABLES_ONLY: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_ADMIN_TOKEN',
    description: 'admin token; else one is made and written to DATA_DIR/admin-token',
  },
  {
    variable: 'KEYHAVEN_REQUIRE_CHANNEL',
    description: 'off: /v1 answers outside the sealed channel too',
    default: 'on',
  },
  { variable: 'KEYHAVEN_OIDC_ISSUER', description: 'sign-in of operators through this OpenID provider' },
  { variable: 'KEYHAVEN_OIDC_CLIENT_ID', description: 'client id there' },
  { variable: 'KEYHAVEN_OIDC_CLIENT_SECRET', description: 'client secret there' },
  {
    variable: 'KEYHAVEN_OIDC_ROLE_CLAIM',
    description: 'claim of the id token that names roles',
    default: 'roles',
  },
  { variable: 'KEYHAVEN_OIDC_ROLE_MAP', description: 'VALUE=ROLE pairs, with commas between' },
  {
    variable: 'KEYHAVEN_OIDC_NAME',
    description: 'what the sign-in button says',
    default: 'Single sign-on',
  },
  { variable: 'KEYHAVEN_OIDC_SCOPES', description: 'scopes that are asked for', default: 'openid profile' },
  {
    variable: 'KEYHAVEN_USERS_OIDC_ISSUER',
    description: 'users may sign up with an id token of this OpenID provider, whose sub is their name',
  },
  { variable: 'KEYHAVEN_USERS_OIDC_CLIENT_ID', description: 'audience of those id tokens' },
  {
    variable: 'KEYHAVEN_LEGACY_PROFILE',
    description: 'on: devices may register with RSA-1024, each of which is logged as weak',
    default: 'off',
  },
  {
    variable: 'KEYHAVEN_RENEWAL_GRACE_DAYS',
    description: "how long after its end a device's record may still be renewed, 0 to 90",
    default: '30',
  },
  {
    variable: 'KEYHAVEN_CONVERSATION_KEYS',
    description: 'where wrapped conversation keys lie: database or objects',
    default: 'database',
  },
  {
    variable: 'KEYHAVEN_FILES_QUOTA',
    description: 'GiB that the files of one conversation may have, 1 to 1000000',
    default: '100',
  },
]

const IDENTITY_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_ROLE',
    flags: '--role <role>',
    description: 'main, ida (authentication) or oprf (oblivious PRF): each with data of its own',
    default: 'main',
  },
  {
    variable: 'KEYHAVEN_IDENTITY_LISTEN',
    flags: '--identity-listen <address>',
    description: "listener of the identity capability, with MOSIP's paths; without it main has none",
    default: '127.0.0.1:8789 for ida and oprf',
  },
  {
    variable: 'KEYHAVEN_IDENTITY_URL',
    flags: '--identity-url <url>',
    description: 'address that partners use for it, if it is another one',
  },
  {
    variable: 'KEYHAVEN_IDENTITY_PROFILE',
    flags: '--identity-profile <profile>',
    description: 'mosip (byte-compatible) or keyhaven',
    default: 'mosip',
  },
  {
    variable: 'KEYHAVEN_IDENTITY_OIDC_ISSUER',
    description: 'partners and registration officers sign in at this OpenID provider',
  },
  { variable: 'KEYHAVEN_IDENTITY_OIDC_CLIENT_ID', description: 'audience of their tokens' },
  {
    variable: 'KEYHAVEN_IDENTITY_OIDC_ORGANISATION_CLAIM',
    description: "claim that names a partner's organisation",
    default: 'organization',
  },
  {
    variable: 'KEYHAVEN_WEBHOOKS_PRIVATE',
    description: 'on: webhooks may go to http addresses and private networks',
    default: 'off',
  },
  {
    variable: 'KEYHAVEN_SHARES_UNLIMITED',
    description: 'on: a policy may allow any number of reads of a share',
    default: 'off',
  },
  { variable: 'KEYHAVEN_SMTP_URL', description: 'ida: server for one-time passwords, smtp://… or smtps://…' },
  { variable: 'KEYHAVEN_SMTP_FROM', description: 'ida: their sender' },
  { variable: 'KEYHAVEN_OPRF_URL', description: 'main and ida: the process of role oprf' },
  { variable: 'KEYHAVEN_OPRF_TOKEN', description: 'API token of this process there' },
  {
    variable: 'KEYHAVEN_PIN_ITERATIONS',
    description: 'rounds of PBKDF2 behind encryption with a PIN',
    default: '100000',
  },
  {
    variable: 'KEYHAVEN_BIOSDK_URL',
    description: "MOSIP's Bio-SDK HTTP service; without it the matcher of simulated templates",
  },
  {
    variable: 'KEYHAVEN_IDA_PARTNER',
    description: 'ida: its partner id at the issuer',
    default: 'mpartner-default-auth',
  },
  {
    variable: 'KEYHAVEN_AUTH_MATCHING',
    description: 'ida: fullName=phonetic:60,fullName.fra=partial:80 …: how demographics are compared',
    default: 'every text exactly',
  },
  { variable: 'KEYHAVEN_ISSUER_URL', description: "ida and oprf: the main server's identity listener" },
  { variable: 'KEYHAVEN_PKCS11_MODULE', description: 'library of an HSM for root, module and master keys' },
  { variable: 'KEYHAVEN_PKCS11_SLOT_LABEL', description: 'label of its token' },
  { variable: 'KEYHAVEN_PKCS11_PIN_FILE', description: 'file that holds the PIN' },
]

/** Settings of `keyhaven serve`. */
export const SERVE_SETTINGS: readonly Setting[] = [
  ...LISTEN_SETTINGS,
  ...DATA_SETTINGS,
  ...MORE_SETTINGS,
  ...OBJECT_SETTINGS,
  ...IDENTITY_SETTINGS,
  ...VARIABLES_ONLY,
]

/** Settings of `keyhaven gateway`: its backends, and what `serve` has. */
export const GATEWAY_SETTINGS: readonly Setting[] = [
  {
    variable: 'KEYHAVEN_UPSTREAMS',
    flags: '--upstream <origin>',
    description: 'backend that gets the opened calls; more than once for several, the first is the default',
    repeat: true,
  },
  ...SERVE_SETTINGS.map((setting) =>
    setting.variable === 'KEYHAVEN_PUBLIC_URL' ? { ...setting, flags: '--origin <url>' } : setting,
  ),
]
