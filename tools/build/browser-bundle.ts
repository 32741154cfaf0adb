import { join } from 'node:path'
import { build } from 'vite'
import { ROOT } from '../run/step.ts'

/** The SDK for a page without a bundler: out/sdk/browser/keyhaven-sdk.js, one minified ES module. */
export async function buildBrowserBundle(out: string): Promise<void> {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: join(out, 'sdk', 'browser'),
      emptyOutDir: true,
      target: 'es2022',
      sourcemap: true,
      lib: {
        entry: join(ROOT, 'packages/sdk/src/index.ts'),
        formats: ['es'],
        fileName: () => 'keyhaven-sdk.js',
      },
    },
  })
}
