import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'
import { SetupError } from './setup-error.mjs'

const LOCKFILE = join(ROOT, 'package-lock.json')
const STAMP = join(ROOT, 'node_modules', '.keyhaven-setup')

/**
 * Runs `npm install` when node_modules is missing or older than what the lockfile and the package.jsons ask
 * for.
 */
export function ensurePackages() {
  const wanted = stampOfSources()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  if (!existsSync(LOCKFILE))
    throw new SetupError('package-lock.json is missing: git checkout package-lock.json')
  console.error('set-up: installing the npm packages (the first time takes a minute or two)')
  const locked = readFileSync(LOCKFILE, 'utf8')
  const failed = npmInstall()
  const after = readFileSync(LOCKFILE, 'utf8')
  if (after !== locked) writeFileSync(LOCKFILE, locked)
  if (failed) throw new SetupError(`npm install failed (${failed}); its own message is above`)
  const changed = after === locked ? [] : changedPackages(JSON.parse(locked), JSON.parse(after))
  if (changed.length > 0) {
    const names = changed.slice(0, 5).map(shown).join(', ')
    throw new SetupError(
      `npm install wanted to change package-lock.json (${names}): it does not agree with the ` +
        'package.json files. The lockfile was put back. If you changed a dependency on purpose, ' +
        'run `npm install`, look at the difference and commit it.',
    )
  }
  writeFileSync(STAMP, wanted)
}

/** @returns undefined, or why it failed. */
function npmInstall() {
  const flags = ['install', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  // npm says EBADENGINE for packages that want a newer Node than the machine's; they run on the one we bring.
  flags.push('--loglevel=error', '--no-update-notifier')
  const npm = process.env.npm_execpath
  const run = npm?.endsWith('.js')
    ? spawnSync(process.env.npm_node_execpath ?? process.execPath, [npm, ...flags], options())
    : spawnSync('npm', flags, { ...options(), shell: process.platform === 'win32' })
  if (run.error) return run.error.message
  return run.status === 0 ? undefined : `exit code ${run.status ?? run.signal}`
}

function options() {
  return { cwd: ROOT, stdio: ['ignore', 2, 2] }
}

/**
 * Names of the packages that differ between two lockfiles. Versions of npm differ in marks such as `peer`;
 * what counts is which package lies where, at which version, with which hash.
 */
function changedPackages(before, after) {
  const names = new Set([...Object.keys(before.packages), ...Object.keys(after.packages)])
  return [...names].filter(
    (name) =>
      summary(before.packages[name]) !== summary(after.packages[name]) &&
      !isPlatformBinary(before.packages[name] ?? after.packages[name]),
  )
}

/**
 * A mirror may lack the binaries of other systems; where one is found it adds itself, and that is no
 * disagreement.
 */
function isPlatformBinary(entry) {
  return entry.optional === true && entry.os !== undefined
}

/** The lockfile calls the top package by the empty path. */
function shown(path) {
  return path === '' ? 'package.json' : path
}

function summary(entry) {
  if (entry === undefined) return 'absent'
  const { version, integrity, link, dependencies, devDependencies, optionalDependencies } = entry
  return JSON.stringify([version, integrity, link, dependencies, devDependencies, optionalDependencies])
}

function stampOfSources() {
  const hash = createHash('sha256')
  const packages = readdirSync(join(ROOT, 'packages')).sort()
  const files = [
    'package-lock.json',
    'package.json',
    ...packages.map((name) => `packages/${name}/package.json`),
  ]
  for (const file of files) {
    const path = join(ROOT, file)
    if (existsSync(path)) hash.update(file).update('\0').update(readFileSync(path)).update('\0')
  }
  return `${process.platform}-${process.arch} ${hash.digest('hex')}\n`
}
