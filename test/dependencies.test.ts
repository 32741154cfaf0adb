import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/

interface Manifest {
  name: string
  version: string
  license?: string
  allowScripts?: Record<string, boolean>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}
interface Locked {
  license?: string
  hasInstallScript?: boolean
  link?: boolean
}

const manifests = ['package.json', ...globSync('packages/*/package.json', { cwd: ROOT })].map((path) => ({
  path,
  manifest: readJson(path) as Manifest,
}))
const lock = readJson('package-lock.json') as { packages: Record<string, Locked> }

const wanted = manifests.flatMap(({ path, manifest }) =>
  [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap((list) =>
    Object.entries(list ?? {}).map(([name, version]) => ({ path, name, version })),
  ),
)
const outside = wanted.filter(({ name }) => !name.startsWith('@keyhaven/'))

/** Package name → licence, from the tables of docs/dependencies.md. */
const documented = new Map(
  [...readText('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, name, licence]) => [name!, licence!.trim()] as const,
  ),
)

test('every dependency is at an exact version', () => {
  expect(wanted.filter(({ version }) => !EXACT_VERSION.test(version))).toEqual([])
})

test('every dependency has a row in docs/dependencies.md, and every row a dependency', () => {
  const names = new Set(outside.map(({ name }) => name))
  expect([...names].filter((name) => !documented.has(name))).toEqual([])
  expect([...documented.keys()].filter((name) => !names.has(name))).toEqual([])
})

test('docs/dependencies.md names the licence that the package has', () => {
  const wrong = outside
    .map(({ name, path }) => ({
      name,
      locked: lockedAt(path, name)?.license,
      documented: documented.get(name),
    }))
    .filter((row) => row.locked !== row.documented)
  expect(wrong).toEqual([])
})

/** Packages from before 2015 name them in a list, which npm does not put into the lock file. */
function hasOldLicences(path: string): boolean {
  const { licenses } = readJson(`${path}/package.json`) as { licenses?: readonly { type?: string }[] }
  return Array.isArray(licenses) && licenses.length > 0 && licenses.every(({ type }) => type === 'MIT')
}

test('every installed package names a licence', () => {
  const unnamed = Object.entries(lock.packages)
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.link && !entry.license)
    .map(([path]) => path)
    .filter((path) => !hasOldLicences(path))
  expect(unnamed).toEqual([])
})

test('no package runs an install script that allowScripts does not name', () => {
  const allowed = Object.keys((readJson('package.json') as Manifest).allowScripts ?? {})
  const withScripts = Object.entries(lock.packages)
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
  expect(withScripts.filter((name) => !allowed.includes(name))).toEqual([])
})

test('the lockfile names no registry', () => {
  expect(readText('package-lock.json')).not.toMatch(/"resolved": "https?:/)
})

function lockedAt(path: string, name: string): Locked | undefined {
  const nested = `${path.replace(/package\.json$/, '')}node_modules/${name}`
  return lock.packages[nested] ?? lock.packages[`node_modules/${name}`]
}
function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
function readJson(path: string): unknown {
  return JSON.parse(readText(path))
}
