import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SetupError } from './setup-error.mjs'

/** Chromium without windows, in half the processor time. Debian has it as a package, Ubuntu has not. */
const HEADLESS_SHELL = 'chromium-headless-shell'

/**
 * Real components of the tests: the program to look for, others that do as well, and the packages that have
 * it.
 */
const PROGRAMS = {
  postgres: { debian: 'postgresql', brew: 'postgresql', folders: postgresFolders },
  'redis-server': { debian: 'redis-server', brew: 'redis' },
  chromium: {
    debian: isDebian() ? HEADLESS_SHELL : 'chromium',
    brew: '--cask chromium',
    others: [HEADLESS_SHELL, 'chromium-browser', 'google-chrome-stable'],
  },
  // Ceph's servers are for Linux only: elsewhere the tests and the demo say what they leave out.
  radosgw: { debian: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-common'], platform: 'linux' },
  'softhsm2-util': { debian: 'softhsm2', brew: 'softhsm' },
  swtpm: {
    debian: ['swtpm', 'swtpm-tools', 'tpm2-tools', 'libtpm2-pkcs11-1', 'libtpm2-pkcs11-tools'],
    platform: 'linux',
  },
  mitmdump: { debian: 'mitmproxy', brew: 'mitmproxy' },
  prosody: { debian: ['prosody', 'lua-unbound'], brew: 'prosody/prosody/prosody' },
  slixmpp: {
    debian: 'python3-slixmpp',
    brew: 'python3 && pip3 install slixmpp',
    folders: pythonFolders('slixmpp'),
  },
  cryptography: {
    debian: 'python3-cryptography',
    brew: 'python3 && pip3 install cryptography',
    folders: pythonFolders('cryptography'),
  },
}

/** Which command needs which of them. */
export const PROGRAM_SETS = {
  '--test': [
    'postgres',
    'redis-server',
    'chromium',
    'mitmdump',
    'prosody',
    'slixmpp',
    'radosgw',
    'softhsm2-util',
  ],
  '--demo': ['mitmdump', 'prosody', 'radosgw'],
  '--bench': ['postgres'],
}

/**
 * Installs what is missing on Debian as root or with passwordless sudo; elsewhere says what is missing and
 * stops.
 */
export function ensurePrograms(names) {
  const missing = names.filter((name) => isForHere(name) && !isInstalled(name))
  if (missing.length > 0) installMissing(missing)
  if (names.includes('chromium')) preferHeadlessShell()
}

function installMissing(missing) {
  const packages = missing.flatMap((name) => PROGRAMS[name].debian)
  const prefix = installPrefix()
  if (prefix === undefined) throw new SetupError(howToGet(missing, packages))
  install(prefix, packages)
  const still = missing.filter((name) => !isInstalled(name))
  if (still.length > 0) throw new SetupError(howToGet(still, packages))
}

/** Beside a whole browser that is there: one that costs less, if it is to be had without asking anybody. */
function preferHeadlessShell() {
  if (!isDebian() || isOnPath(HEADLESS_SHELL)) return
  const prefix = installPrefix()
  if (prefix === undefined) return
  try {
    install(prefix, [HEADLESS_SHELL], ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=15'])
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(`set-up: ${error.message}; the tests use the browser that is there, which takes longer`)
  }
}

/** Debian itself: what comes from it has another `ID`, and need not have its packages. */
function isDebian() {
  const file = '/etc/os-release'
  return existsSync(file) && /^ID="?debian"?$/m.test(readFileSync(file, 'utf8'))
}

function isForHere(name) {
  const { platform = process.platform } = PROGRAMS[name]
  if (platform !== process.platform) console.error(`set-up: there is no ${name} for ${process.platform}`)
  return platform === process.platform
}

function isInstalled(name) {
  const { folders, others = [] } = PROGRAMS[name]
  return [name, ...others].some((program) => isOnPath(program, folders?.()))
}

function isOnPath(program, more = []) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin']
  return [...folders, ...more].some((folder) => existsSync(join(folder, program)))
}

/** Debian keeps PostgreSQL's server programs off the PATH, one folder a version. */
function postgresFolders() {
  const base = '/usr/lib/postgresql'
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, 'bin')) : []
}

/** Of a library: the folders that Pythons import it from, Debian's own first. */
function pythonFolders(library) {
  const program = `import ${library}, os; print(os.path.dirname(os.path.dirname(${library}.__file__)))`
  return () => {
    const found = ['/usr/bin/python3', 'python3'].map((python) =>
      spawnSync(python, ['-c', program], { encoding: 'utf8' }),
    )
    return found.filter(({ status }) => status === 0).map(({ stdout }) => stdout.trim())
  }
}

/** @returns the words before `apt-get`, or undefined where we cannot install. */
function installPrefix() {
  if (!existsSync('/usr/bin/apt-get')) return undefined
  if (process.getuid?.() === 0) return []
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' })
  return sudo.status === 0 ? ['sudo', '-n'] : undefined
}

function install(prefix, packages, options = []) {
  console.error(`set-up: installing ${packages.join(', ')}`)
  run(prefix, ['apt-get', ...options, 'update', '-q'])
  run(prefix, ['apt-get', ...options, 'install', '-y', '-q', '--no-install-recommends', ...packages])
}

function run(prefix, words) {
  // Through `env`, because sudo clears the environment; without it some packages ask a question and wait.
  const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...words]
  const done = spawnSync(command, rest, { stdio: ['ignore', 2, 2] })
  if (done.status !== 0)
    throw new SetupError(`\`${words.join(' ')}\` failed (${done.error?.message ?? done.status})`)
}

function howToGet(missing, packages) {
  return [
    `these programs are missing: ${missing.join(', ')}.`,
    '  Debian, Ubuntu:  sudo apt-get update',
    `                   sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    `  macOS:           ${missing.map((name) => `brew install ${PROGRAMS[name].brew}`).join(' && ')}`,
    'They must be on the PATH. Then run the same command again.',
  ].join('\n')
}
