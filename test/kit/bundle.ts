import { build } from 'vite'

/** File name to code: the entry is `entry.js`, beside the chunks that it loads when needed. */
export type Bundle = Readonly<Record<string, string>>

/** Bundles a module for browsers with Vite, as an app would, and gives the files without writing them. */
export async function bundleForBrowser(entry: string, conditions?: string[]): Promise<Bundle> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    ...(conditions ? { resolve: { conditions } } : {}),
    build: {
      write: false,
      minify: false,
      target: 'es2024',
      modulePreload: false,
      rollupOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        output: { format: 'es', entryFileNames: 'entry.js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  })
  const outputs = Array.isArray(built) ? built : [built]
  const files: Record<string, string> = {}
  for (const output of outputs) {
    if (!('output' in output)) throw new Error('Vite gave a watcher instead of files')
    for (const file of output.output) if (file.type === 'chunk') files[file.fileName] = file.code
  }
  return files
}
