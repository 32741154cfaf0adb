// Who may import whom: the table of docs/architecture.md. `npm run check:deps` decides, not review.
// A type-only import counts like any other (tsPreCompilationDeps).

/** Packages of ours that each package may import. */
const OURS = {
  crypto: [],
  keys: ['crypto'],
  channel: ['crypto', 'keys'],
  directory: ['crypto', 'keys'],
  messaging: ['crypto', 'keys', 'directory'],
  conversations: ['crypto', 'keys', 'directory', 'messaging'],
  identity: ['crypto'],
  sdk: ['crypto', 'channel', 'directory', 'messaging', 'conversations', 'identity'],
  server: [
    'crypto',
    'keys',
    'channel',
    'directory',
    'messaging',
    'conversations',
    'identity',
    'sdk',
    'dashboard',
  ],
  dashboard: ['sdk'],
  cli: ['crypto', 'keys', 'channel', 'directory', 'messaging', 'conversations', 'identity', 'sdk', 'server'],
}

/**
 * npm packages that each package may import at run time; its tests may import anything in the root's list
 * too.
 */
const OF_NPM = {
  crypto: ['hpke', '@noble/', '@panva/hpke-noble'],
  keys: [],
  channel: [],
  directory: [],
  messaging: ['@scure/bip39'],
  conversations: ['saxes', '@xmpp/client'],
  identity: [
    '@peculiar/x509',
    'reflect-metadata',
    'fflate',
    '@noble/',
    'double-metaphone',
    'libsodium-wrappers-sumo',
  ],
  sdk: [],
  server: [
    'hono',
    '@hono/',
    'zod',
    'kysely',
    'pg',
    'pino',
    'redis',
    'openid-client',
    '@tus/server',
    '@aws-sdk/client-s3',
    'nodemailer',
    'pkcs11js',
  ],
  dashboard: [
    'react',
    'react-dom',
    '@mantine/',
    '@tanstack/react-query',
    'recharts',
    'wouter',
    '@types/react',
  ],
  cli: ['commander'],
}

/** Files that may use node:*. Everything else also runs in browsers and workers. */
const NODE_FILES = [
  '^packages/crypto/src/node/',
  '^packages/channel/src/gateway/node/',
  '^packages/messaging/src/node/',
  '^packages/server/',
  '^packages/cli/',
  '^packages/dashboard/src/assets\\.ts$',
  '^packages/[^/]+/test/',
  '^packages/[^/]+/[^/]+\\.config\\.ts$',
  '^(tools|bench|test|examples)/',
]

const PACKAGES = Object.keys(OURS)

const workspaceRules = PACKAGES.map((name) => ({
  name: `${name}-imports`,
  comment: `packages/${name} may import of ours: ${OURS[name].join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...OURS[name]].join('|')})/` },
}))

const npmRules = PACKAGES.map((name) => ({
  name: `${name}-npm`,
  comment: `packages/${name} may import of npm: ${OF_NPM[name].join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: {
    path: 'node_modules/',
    ...(OF_NPM[name].length > 0 && {
      pathNot: `node_modules/(${OF_NPM[name].map((of) => (of.endsWith('/') ? of : `${of}/`)).join('|')})`,
    }),
  },
}))

module.exports = {
  forbidden: [
    ...workspaceRules,
    ...npmRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(packages|bench|tools|test|examples)/' },
      to: { circular: true },
    },
    {
      name: 'node-only-where-allowed',
      comment: 'The rest runs in browsers too.',
      severity: 'error',
      from: { path: '^packages/', pathNot: NODE_FILES },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'client-side-stays-client-side',
      comment: 'What an app installs never reaches a gateway or a service.',
      severity: 'error',
      from: {
        path: '^packages/(sdk/src/|messaging/src/|dashboard/src/|channel/src/(client|manifest|wire|index\\.ts)|directory/src/(log|chain|request-signature|client|index\\.ts)|conversations/src/(?!service/)|identity/src/(?!service/))',
      },
      to: { path: '^packages/[^/]+/src/(gateway|service)/' },
    },
    {
      name: 'backends-by-condition-only',
      comment: 'Shared code of crypto knows no backend; the export conditions choose one.',
      severity: 'error',
      from: { path: '^packages/(keys|channel|directory|messaging|conversations|identity|sdk)/src/' },
      to: {
        path: '^packages/crypto/src/(?!((node|web|noble|vrf)/index|(node|noble)/argon2id|(node|web|noble)/file-stream)\\.ts$)',
      },
    },
    {
      name: 'platform-knows-no-capability',
      comment: 'Only the list of tables and migrations names them all.',
      severity: 'error',
      from: {
        path: '^packages/server/src/platform/',
        pathNot: '/platform/database/(migrations|schema)\\.ts$',
      },
      to: { path: '^packages/server/src/(channel|directory|messaging|conversations|files|identity)/' },
    },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '/test/' },
    },
    {
      name: 'must-resolve',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\.(css|svg)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
}
