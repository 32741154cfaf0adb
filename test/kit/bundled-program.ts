import { createHash } from 'node:crypto'
import { existsSync, globSync, statSync } from 'node:fs'
import { copyFile, lstat, mkdir, readdir, readlink, rename, rm, symlink, utimes } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Below the packages that a bundle does not hold. */
const BUNDLES = join(ROOT, 'node_modules/.cache/keyhaven-programs')
/** What brings a binary, or files that it looks for beside its own; what must be loaded in its order. */
const OUTSIDE = [/^pkcs11js$/, /^@keyhaven\/dashboard/, /^reflect-metadata$/, /^@peculiar\//]
/** A server looks for it beside itself. */
const WORKER_MAIN = join(ROOT, 'packages/server/src/workers/worker-main.ts')
/** What goes into a bundle. */
const SOURCES = [
  'packages/*/{src,test,bin}/**/*.{ts,mjs,json}',
  'packages/*/package.json',
  'test/**/*.ts',
  'package-lock.json',
]
const HASH_DIGITS = 16
const POLL_MS = 50
/** Longer than any run of tests: nobody starts programs any more from sources that were changed so long ago. */
const STALE_MS = 2 * 60 * 60 * 1_000

const bundled = new Map<string, Promise<string>>()
let sources: string | undefined

/**
 * A program with everything that it loads in a few files: a process that loads a thousand starts for a second of
 * processor time, and the tests start hundreds. Made once for all processes of the test runner, and anew when a source
 * has changed.
 *
 * @param main - path of the program.
 * @returns the file to start instead.
 */
export async function bundledProgram(main: string): Promise<string> {
  const [file] = await bundledPrograms([main])
  return file!
}

/** Several programs, which share what they load. Their names differ. */
export async function bundledPrograms(mains: readonly string[]): Promise<string[]> {
  const key = mains.join('\n')
  const made = bundled.get(key) ?? findOrMake(mains)
  bundled.set(key, made)
  const folder = await made
  return mains.map((main) => join(folder, `${parse(main).name}.mjs`))
}

async function findOrMake(mains: readonly string[]): Promise<string> {
  sources ??= fingerprint(SOURCES)
  const { name } = parse(mains[0]!)
  const hash = createHash('sha256').update(mains.join('\n')).update(sources).digest('hex')
  const folder = join(BUNDLES, `${name}-${hash.slice(0, HASH_DIGITS)}`)
  const lock = `${folder}.lock`
  await mkdir(BUNDLES, { recursive: true })
  const now = new Date()
  await utimes(folder, now, now).catch(() => {})
  while (!existsSync(folder)) {
    if (!(await isMine(lock))) {
      await delay(POLL_MS)
      continue
    }
    try {
      if (!existsSync(folder)) await makeBundle(mains, folder)
    } finally {
      await rm(lock, { force: true })
    }
    await removeStale(name)
  }
  return folder
}

/** Of names, sizes and times of change: reading the files would take ten times as long. */
function fingerprint(patterns: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of globSync(patterns, { cwd: ROOT }).sort()) {
    const { mtimeMs, size } = statSync(join(ROOT, path))
    hash.update(`${path} ${mtimeMs} ${size}\n`)
  }
  return hash.digest('hex')
}

/** The lock of a process that has died is nobody's. Two who take it at once do the work twice, and no harm. */
async function isMine(lock: string): Promise<boolean> {
  try {
    // A link is made with what it says.
    await symlink(String(process.pid), lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const owner = await readlink(lock).catch(() => undefined)
    if (owner !== undefined && !isAlive(Number(owner))) await rm(lock, { force: true })
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function makeBundle(mains: readonly string[], folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: unfinished,
      emptyOutDir: true,
      copyPublicDir: false,
      minify: false,
      target: 'esnext',
      rollupOptions: {
        external: OUTSIDE,
        input: Object.fromEntries([...mains, WORKER_MAIN].map((main) => [parse(main).name, main])),
        output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  // A program's version stands one folder above it, as in its package.
  await copyFile(join(ROOT, 'packages/server/package.json'), join(BUNDLES, 'package.json'))
  await rename(unfinished, folder).catch(async (error) => {
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  })
}

/** Bundles of sources that have long changed. */
async function removeStale(name: string): Promise<void> {
  for (const entry of await readdir(BUNDLES)) {
    if (!entry.startsWith(`${name}-`)) continue
    const made = await lstat(join(BUNDLES, entry)).catch(() => undefined)
    if (made !== undefined && Date.now() - made.mtimeMs > STALE_MS)
      await rm(join(BUNDLES, entry), { recursive: true, force: true })
  }
}
