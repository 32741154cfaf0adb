import { copyFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = new URL('../../', import.meta.url)
const path = (name: string) => fileURLToPath(new URL(name, ROOT))
/** What brings a binary, or files that it looks for beside its own. */
const OUTSIDE = [/^pkcs11js$/, /^@keyhaven\/dashboard/]

let bundled: Promise<string> | undefined

/**
 * The server of the tests with everything that it loads, in a few files: a process that loads a thousand starts for a
 * second of processor time, and the tests start hundreds. Made once in each process of the test runner.
 *
 * @returns the file to start.
 */
export function bundledServerMain(): Promise<string> {
  bundled ??= makeBundle()
  return bundled
}

async function makeBundle(): Promise<string> {
  // Below the packages that it does not hold.
  const folder = `node_modules/.cache/keyhaven-server/${process.env.VITEST_POOL_ID ?? 0}`
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
        input: {
          'server-main': path('test/kit/server-main.ts'),
          'worker-main': path('packages/server/src/workers/worker-main.ts'),
        },
        output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  // Its version stands one folder above it, as in the package.
  await copyFile(path('packages/server/package.json'), path(`${folder}/../package.json`))
  return path(`${folder}/server-main.mjs`)
}
