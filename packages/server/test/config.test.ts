import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig, SETTING_NAMES } from '../src/platform/config/load-config.ts'

const refused = (env: Record<string, string>, message: RegExp | string) => {
  expect(() => loadConfig(env)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => loadConfig(env)).toThrow(message)
}

describe('settings', () => {
  test('defaults', () => {
    const dataDir = resolve('.keyhaven')
    expect(loadConfig({})).toEqual({
      host: '127.0.0.1',
      port: 8787,
      admin: { host: '127.0.0.1', port: 8788 },
      dataDir,
      database: { dialect: 'sqlite', file: resolve(dataDir, 'keyhaven.db') },
      requireChannel: true,
      workers: 1,
      masterKeyFile: resolve(dataDir, 'master.key'),
      manifestLifetimeSeconds: 86_400,
      upstreams: [],
      logLevel: 'info',
      directory: {
        logDir: resolve(dataDir, 'log'),
        witnesses: [],
        legacyProfile: false,
        renewalGraceDays: 30,
      },
      objects: { kind: 'disk', dir: resolve(dataDir, 'objects') },
      conversationKeys: 'database',
      conversationFileBytes: 100 * 1_024 ** 3,
    })
  })

  test('the command line wins over the environment, and empty means unset', () => {
    const env = { KEYHAVEN_PORT: '1', KEYHAVEN_DATA_DIR: '/a', KEYHAVEN_REDIS_URL: '', OTHER: 'x' }
    const config = loadConfig(env, { port: '9000', dataDir: '/b', workers: '2' })
    expect(config).toMatchObject({ port: 9_000, dataDir: '/b', workers: 2, masterKeyFile: '/b/master.key' })
    expect(config).not.toHaveProperty('redisUrl')
    expect(() => loadConfig({}, { port: 'x' })).toThrow(/^--port must be a whole number from 0 to 65535$/)
  })

  test.each([
    ['sqlite:/var/a.db', { dialect: 'sqlite', file: '/var/a.db' }],
    ['sqlite:///var/a.db', { dialect: 'sqlite', file: '/var/a.db' }],
    ['sqlite:a.db', { dialect: 'sqlite', file: resolve('a.db') }],
    ['postgres://u:p@h:1/n', { dialect: 'postgres', url: 'postgres://u:p@h:1/n' }],
    ['postgresql://h/n', { dialect: 'postgres', url: 'postgresql://h/n' }],
  ])('database %s', (url, database) => {
    expect(loadConfig({ KEYHAVEN_DATABASE_URL: url }).database).toEqual(database)
  })

  test('a quota of files for each conversation, in GiB', () => {
    expect(loadConfig({ KEYHAVEN_FILES_QUOTA: '2' }).conversationFileBytes).toBe(2_147_483_648)
    const allowed = 'KEYHAVEN_FILES_QUOTA must be a whole number of GiB from 1 to 1000000'
    for (const wrong of ['0', '1000001', '1e3', '-1']) refused({ KEYHAVEN_FILES_QUOTA: wrong }, allowed)
  })

  test('objects: a folder, or S3', () => {
    expect(loadConfig({ KEYHAVEN_OBJECTS_DIR: '/o' }).objects).toEqual({ kind: 'disk', dir: '/o' })
    const bucket = { KEYHAVEN_OBJECTS: 's3', KEYHAVEN_S3_BUCKET: 'files' }
    expect(loadConfig(bucket).objects).toEqual({
      kind: 's3',
      bucket: 'files',
      region: 'us-east-1',
      pathStyle: false,
    })
    const all = {
      ...bucket,
      KEYHAVEN_S3_ENDPOINT: 'http://127.0.0.1:7480/',
      KEYHAVEN_S3_REGION: 'eu-central-1',
      KEYHAVEN_S3_KMS_KEY: 'key-1',
      KEYHAVEN_S3_PATH_STYLE: 'on',
      KEYHAVEN_S3_ACCESS_KEY_ID: 'id',
      KEYHAVEN_S3_SECRET_ACCESS_KEY: 'secret',
    }
    expect(loadConfig(all).objects).toEqual({
      kind: 's3',
      bucket: 'files',
      region: 'eu-central-1',
      endpoint: 'http://127.0.0.1:7480',
      kmsKey: 'key-1',
      pathStyle: true,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    })
    refused({ KEYHAVEN_OBJECTS: 's3' }, 'KEYHAVEN_OBJECTS=s3 needs KEYHAVEN_S3_BUCKET')
    refused({ ...bucket, KEYHAVEN_OBJECTS_DIR: '/o' }, 'KEYHAVEN_OBJECTS_DIR needs KEYHAVEN_OBJECTS=disk')
    refused({ KEYHAVEN_S3_BUCKET: 'files' }, 'KEYHAVEN_S3_BUCKET needs KEYHAVEN_OBJECTS=s3')
    refused({ ...bucket, KEYHAVEN_S3_BUCKET: 'No/Bucket' }, 'KEYHAVEN_S3_BUCKET must be the name of a bucket')
    const half = { ...bucket, KEYHAVEN_S3_ACCESS_KEY_ID: 'id' }
    refused(half, 'KEYHAVEN_S3_ACCESS_KEY_ID needs KEYHAVEN_S3_SECRET_ACCESS_KEY')
    refused({ KEYHAVEN_OBJECTS: 'tape' }, 'KEYHAVEN_OBJECTS must be disk or s3')
  })

  test('the rest', () => {
    expect(
      loadConfig({
        KEYHAVEN_ADMIN_LISTEN: '[::1]:99',
        KEYHAVEN_ADMIN_URL: 'https://admin.example.org/',
        KEYHAVEN_OIDC_ISSUER: 'https://id.example.org/realm',
        KEYHAVEN_OIDC_CLIENT_ID: 'keyhaven',
        KEYHAVEN_OIDC_ROLE_MAP: 'kh-admins=admin, kh=a=auditor',
        KEYHAVEN_TLS_CERT: '/c.pem',
        KEYHAVEN_TLS_KEY: '/k.pem',
        KEYHAVEN_REQUIRE_CHANNEL: 'off',
        KEYHAVEN_UPSTREAMS: 'http://127.0.0.1:3000, https://b.example.org/',
        KEYHAVEN_MANIFEST_LIFETIME: '600',
      }),
    ).toMatchObject({
      admin: { host: '::1', port: 99 },
      adminUrl: 'https://admin.example.org',
      oidc: { issuer: 'https://id.example.org/realm', roleMap: { 'kh-admins': 'admin', 'kh=a': 'auditor' } },
      tls: { certFile: '/c.pem', keyFile: '/k.pem' },
      requireChannel: false,
      upstreams: ['http://127.0.0.1:3000', 'https://b.example.org'],
      manifestLifetimeSeconds: 600,
    })
  })

  test('an unknown variable is refused with the nearest name', () => {
    refused(
      { KEYHAVEN_DATABASE_URI: 'x' },
      'KEYHAVEN_DATABASE_URI is not a setting: did you mean KEYHAVEN_DATABASE_URL?',
    )
    refused({ KEYHAVEN_PROT: '1' }, 'KEYHAVEN_PROT is not a setting: did you mean KEYHAVEN_PORT?')
    for (const name of ['KEYHAVEN_FOO', 'KEYHAVEN_', 'KEYHAVEN_SOMETHING_ELSE_ENTIRELY']) {
      refused({ [name]: '1' }, `${name} is not a setting (\`keyhaven serve --help\` lists them all)`)
    }
  })

  test.each([
    ['KEYHAVEN_PORT', '70000', /0 to 65535/],
    ['KEYHAVEN_PORT', '-1', /whole number/],
    ['KEYHAVEN_ADMIN_LISTEN', 'nonsense', /HOST:PORT/],
    ['KEYHAVEN_ADMIN_LISTEN', '127.0.0.1:99999', /HOST:PORT/],
    ['KEYHAVEN_DATABASE_URL', 'mysql://x', /sqlite:FILE or postgres/],
    ['KEYHAVEN_REDIS_URL', 'http://x', /redis:\/\//],
    ['KEYHAVEN_ADMIN_TOKEN', 'short', /at least 16/],
    ['KEYHAVEN_ADMIN_TOKEN', 'has a space in its middle', /without spaces/],
    ['KEYHAVEN_REQUIRE_CHANNEL', 'maybe', /on or off/],
    ['KEYHAVEN_WORKERS', '0', /1 to 64/],
    ['KEYHAVEN_MANIFEST_LIFETIME', '599', /600 to 86400/],
    ['KEYHAVEN_UPSTREAMS', 'http://a/path', /origins/],
    ['KEYHAVEN_PUBLIC_URL', 'ftp://a', /http or https/],
    ['KEYHAVEN_PUBLIC_URL', 'https://user:pw@a', /http or https/],
    ['KEYHAVEN_OIDC_ROLE_MAP', 'admin', /VALUE=ROLE/],
    ['KEYHAVEN_LOG_LEVEL', 'loud', /one of silent/],
    ['KEYHAVEN_TLS_CERT', '/c.pem', /needs KEYHAVEN_TLS_KEY/],
    ['KEYHAVEN_OIDC_ISSUER', 'https://a', /needs KEYHAVEN_OIDC_CLIENT_ID/],
    ['KEYHAVEN_OIDC_CLIENT_SECRET', 'secret', /needs KEYHAVEN_OIDC_ISSUER/],
  ])('%s=%s is refused', (name, value, message) => {
    refused({ [name]: value }, message)
  })

  test('all problems at once, and no value in the message', () => {
    const secret = 'tOpSecret value'
    const env = { KEYHAVEN_ADMIN_TOKEN: secret, KEYHAVEN_PORT: 'x', KEYHAVEN_WORKER: '1' }
    refused(env, /KEYHAVEN_WORKER is not.*KEYHAVEN_PORT must.*KEYHAVEN_ADMIN_TOKEN must/)
    try {
      loadConfig(env)
    } catch (error) {
      expect(String(error)).not.toContain('tOpSecret')
    }
  })

  test('there is no variable for a master passphrase, only for its file', () => {
    expect(SETTING_NAMES.filter((name) => name.includes('PASSPHRASE'))).toEqual([
      'KEYHAVEN_MASTER_PASSPHRASE_FILE',
    ])
  })
})

describe('settings of the directory', () => {
  test('are taken', () => {
    const key = 'witness.example/one+01234567+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
    const { directory } = loadConfig({
      KEYHAVEN_LOG_DIR: '/var/lib/log',
      KEYHAVEN_LOG_ORIGIN: 'keys.example.org/log',
      KEYHAVEN_WITNESSES: `${key}@https://witness.example/,${key}@http://127.0.0.1:9000/a`,
      KEYHAVEN_USERS_OIDC_ISSUER: 'https://id.example.org',
      KEYHAVEN_USERS_OIDC_CLIENT_ID: 'app',
      KEYHAVEN_LEGACY_PROFILE: 'on',
      KEYHAVEN_RENEWAL_GRACE_DAYS: '7',
    })
    expect(directory).toEqual({
      logDir: '/var/lib/log',
      logOrigin: 'keys.example.org/log',
      witnesses: [
        { verifierKey: key, url: 'https://witness.example' },
        { verifierKey: key, url: 'http://127.0.0.1:9000/a' },
      ],
      oidc: { issuer: 'https://id.example.org', clientId: 'app' },
      legacyProfile: true,
      renewalGraceDays: 7,
    })
  })

  test.each([
    [{ KEYHAVEN_WITNESSES: 'witness.example' }, 'KEYHAVEN_WITNESSES must be VERIFIER_KEY@URL'],
    [{ KEYHAVEN_LOG_ORIGIN: 'https://x' }, 'KEYHAVEN_LOG_ORIGIN must be a name'],
    [{ KEYHAVEN_USERS_OIDC_ISSUER: 'https://x' }, 'needs KEYHAVEN_USERS_OIDC_CLIENT_ID'],
    [{ KEYHAVEN_RENEWAL_GRACE_DAYS: '91' }, 'must be a whole number of days from 0 to 90'],
  ])('are refused: %j', (env, message) => {
    expect(() => loadConfig(env)).toThrow(message)
  })
})

describe('settings of the identity capability', () => {
  test('it is off by default, and on with a listener or a role', () => {
    expect(loadConfig({}).identity).toBeUndefined()
    expect(loadConfig({ KEYHAVEN_IDENTITY_LISTEN: '9000' }).identity).toEqual({
      role: 'main',
      listen: { host: '127.0.0.1', port: 9_000 },
      profile: 'mosip',
      idaPartner: 'mpartner-default-auth',
      matching: {},
      webhooksPrivate: false,
      pinIterations: 100_000,
      unlimitedShares: false,
    })
    expect(loadConfig({ KEYHAVEN_ROLE: 'oprf' }).identity).toMatchObject({
      role: 'oprf',
      listen: { host: '127.0.0.1', port: 8_789 },
    })
  })

  test('are taken', () => {
    const { identity } = loadConfig({
      KEYHAVEN_ROLE: 'ida',
      KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
      KEYHAVEN_IDENTITY_PROFILE: 'keyhaven',
      KEYHAVEN_IDENTITY_URL: 'https://ida.example/',
      KEYHAVEN_ISSUER_URL: 'http://127.0.0.1:8789',
      KEYHAVEN_OPRF_URL: 'http://127.0.0.1:8809',
      KEYHAVEN_OPRF_TOKEN: 'kh_of-the-ida',
      KEYHAVEN_IDA_PARTNER: 'ida-2',
      KEYHAVEN_AUTH_MATCHING: 'fullName=phonetic:60, fullName.fra=partial:80,gender=exact',
      KEYHAVEN_SMTP_URL: 'smtp://127.0.0.1:2525',
      KEYHAVEN_SMTP_FROM: 'otp@ida.example',
      KEYHAVEN_PKCS11_MODULE: '/lib/softhsm2.so',
      KEYHAVEN_PKCS11_SLOT_LABEL: 'ida',
      KEYHAVEN_PKCS11_PIN_FILE: '/run/pin',
    })
    expect(identity).toEqual({
      role: 'ida',
      listen: { host: '127.0.0.1', port: 0 },
      profile: 'keyhaven',
      url: 'https://ida.example',
      issuerUrl: 'http://127.0.0.1:8789',
      idaPartner: 'ida-2',
      matching: {
        fullName: { strategy: 'phonetic', threshold: 60 },
        'fullName.fra': { strategy: 'partial', threshold: 80 },
        gender: { strategy: 'exact', threshold: 100 },
      },
      webhooksPrivate: false,
      pinIterations: 100_000,
      unlimitedShares: false,
      smtp: { url: 'smtp://127.0.0.1:2525', from: 'otp@ida.example' },
      oprf: { url: 'http://127.0.0.1:8809', token: 'kh_of-the-ida' },
      pkcs11: { module: '/lib/softhsm2.so', slotLabel: 'ida', pinFile: '/run/pin' },
    })
  })

  test.each([
    [{ KEYHAVEN_ROLE: 'idp' }, /KEYHAVEN_ROLE must be main, ida or oprf/],
    [{ KEYHAVEN_IDENTITY_PROFILE: 'both' }, /KEYHAVEN_IDENTITY_PROFILE must be mosip or keyhaven/],
    [{ KEYHAVEN_ISSUER_URL: 'http://a' }, /KEYHAVEN_ISSUER_URL needs KEYHAVEN_ROLE=ida/],
    [{ KEYHAVEN_ROLE: 'ida', KEYHAVEN_SMTP_URL: 'smtp://a' }, /KEYHAVEN_SMTP_URL needs KEYHAVEN_SMTP_FROM/],
    [{ KEYHAVEN_ROLE: 'ida', KEYHAVEN_AUTH_MATCHING: 'a=partial' }, /KEYHAVEN_AUTH_MATCHING must be rules/],
    [{ KEYHAVEN_ROLE: 'ida', KEYHAVEN_AUTH_MATCHING: 'a=fuzzy:1' }, /KEYHAVEN_AUTH_MATCHING must be rules/],
    [{ KEYHAVEN_SMTP_URL: 'http://a' }, /KEYHAVEN_SMTP_URL must be smtp/],
    [{ KEYHAVEN_PKCS11_MODULE: 'a.so' }, /KEYHAVEN_PKCS11_MODULE needs KEYHAVEN_PKCS11_PIN_FILE/],
    [
      { KEYHAVEN_PKCS11_MODULE: 'a', KEYHAVEN_PKCS11_SLOT_LABEL: 'b', KEYHAVEN_PKCS11_PIN_FILE: 'c' },
      /KEYHAVEN_PKCS11_MODULE needs KEYHAVEN_IDENTITY_LISTEN/,
    ],
    [
      { KEYHAVEN_ROLE: 'ida', KEYHAVEN_IDENTITY_PROFILE: 'keyhaven' },
      /needs the oblivious PRF: KEYHAVEN_OPRF_URL/,
    ],
    [{ KEYHAVEN_IDENTITY_OIDC_ISSUER: 'https://a' }, /needs KEYHAVEN_IDENTITY_OIDC_CLIENT_ID/],
  ])('%j is refused', (env, message) => refused(env, message))
})
