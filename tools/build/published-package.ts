import { existsSync } from 'node:fs'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run/step.ts'

type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, Target>>
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: unknown
  readonly devDependencies?: unknown
  readonly [field: string]: unknown
}

/**
 * Oldest Node that runs what is published; the server needs the SQLite and the key encapsulation of Node 26.
 */
const NODE_RANGE = '>=26'

export async function publishedPackages(): Promise<string[]> {
  return (await readdir(join(ROOT, 'packages'))).sort()
}

/**
 * Writes out/NAME/package.json and copies what is published beside the compiled code. npm ignores
 * `publishConfig.exports`, so the published file is written here instead of being the workspace's own.
 */
export async function writePackage(name: string, out: string): Promise<void> {
  const source = join(ROOT, 'packages', name)
  const target = join(out, name)
  const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as Manifest
  const { scripts: _scripts, devDependencies: _development, ...kept } = manifest
  const published = {
    ...kept,
    ...(manifest.exports && { exports: mapTargets(manifest.exports) }),
    ...(name === 'sdk' && { unpkg: './browser/keyhaven-sdk.js' }),
    engines: { node: NODE_RANGE },
    publishConfig: { access: 'public' },
  }
  await writeFile(join(target, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  await cp(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  if (name === 'dashboard') await cp(join(source, 'dist'), join(target, 'dist'), { recursive: true })
  for (const path of Object.values(manifest.bin ?? {}))
    await copyCommand(join(source, path), join(target, path))
  for (const path of targetPaths(published.exports ?? {})) {
    if (!existsSync(join(target, path))) throw new Error(`${manifest.name}: ${path} was not built`)
  }
}

/** `./src/x.ts` → its declaration and its JavaScript; the order of conditions is kept. */
function mapTargets(exports: Readonly<Record<string, Target>>): Record<string, Target> {
  return Object.fromEntries(Object.entries(exports).map(([key, target]) => [key, mapTarget(target)]))
}

function mapTarget(target: Target): Target {
  if (typeof target !== 'string') return mapTargets(target)
  if (!target.endsWith('.ts')) return target
  const base = target.slice(0, -'.ts'.length)
  return { types: `${base}.d.ts`, default: `${base}.js` }
}

function targetPaths(target: Target): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(targetPaths)
}

async function copyCommand(source: string, target: string): Promise<void> {
  await cp(source, target)
  const text = await readFile(target, 'utf8')
  await writeFile(target, text.replaceAll(/\.ts(['"])/g, '.js$1'))
}
