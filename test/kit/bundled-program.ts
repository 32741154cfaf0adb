import { copyFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = new URL('../../', import.meta.url)
const path = (name: string) => fileURLToPath(new URL(name, ROOT))
/** What brings a binary, or files that it looks for beside its own; what must be loaded in its order. */
const OUTSIDE = [/^pkcs11js$/, /^@keyhaven\/dashboard/, /^reflect-metadata$/, /^@peculiar\//]
/** A server looks for it beside itself. */
const WORKER_MAIN = path('packages/server/src/workers/worker-main.ts')

const bundled = new Map<string, Promise<string>>()

/**
 * A program with everything that it loads in a few files: a process that loads a thousand starts for a second of
 * processor time, and the tests start hundreds. Made once in each process of the test runner.
 *
 * @param main - path of a program that is or opens a server.
 * @returns the file to start instead.
 */
export function bundledProgram(main: string): Promise<string> {
  const known = bundled.get(main)
  if (known !== undefined) return known
  const made = makeBundle(main)
  bundled.set(main, made)
  return made
}

async function makeBundle(main: string): Promise<string> {
  const name = basename(main, '.ts')
  // Below the packages that it does not hold.
  const folder = `node_modules/.cache/keyhaven-programs/${process.env.VITEST_POOL_ID ?? 0}/${name}`
  await build({
    root: path('.'),
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: path(folder),
      emptyOutDir: true,
      copyPublicDir: false,
      minify: false,
      target: 'esnext',
      rollupOptions: {
        external: OUTSIDE,
        input: { [name]: main, 'worker-main': WORKER_MAIN },
        output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  // The server's version stands one folder above it, as in its package.
  await copyFile(path('packages/server/package.json'), path(`${folder}/../package.json`))
  return path(`${folder}/${name}.mjs`)
}
