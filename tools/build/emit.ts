import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { ROOT, runStep } from '../run/step.ts'

/**
 * Compiles the packages' sources to JavaScript and declarations: out/PACKAGE/src/…, imports rewritten to
 * `.js`.
 */
export async function emitPackages(out: string): Promise<void> {
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  const config = join(out, 'tsconfig.json')
  const fromOut = (path: string) => join(relative(out, ROOT), path)
  await writeFile(
    config,
    JSON.stringify({
      extends: fromOut('tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        // Another place each time: what was written before says nothing.
        incremental: false,
        tsBuildInfoFile: null,
        // `npm run typecheck` checks them.
        noCheck: true,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        rootDir: fromOut('packages'),
        outDir: '.',
        typeRoots: [fromOut('node_modules/@types')],
      },
      include: [fromOut('packages/*/src')],
      // Of the dashboard only what the server loads; its page is built by Vite.
      exclude: [fromOut('packages/dashboard/src')],
      files: [fromOut('packages/dashboard/src/assets.ts')],
    }),
  )
  const { passed, output } = await runStep({ name: 'emit', command: ['tsc', '-p', config], alone: '' })
  await rm(config)
  if (!passed) throw new Error(`tsc failed:\n${output}`)
  for (const path of await readdir(out, { recursive: true })) {
    if (path.endsWith('.d.ts')) await rewrite(join(out, path))
    else if (path.endsWith('.js')) await refuseTypeScriptPaths(join(out, path))
  }
}

/** TypeScript leaves `.ts` in the import paths of declarations. */
async function rewrite(path: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(/((?:from|import) ?\(?['"]\.[^'"]*)\.tsx?(['"])/g, '$1.js$2'))
}

/** A path that the compiler does not see, as in `new URL('./worker.ts', …)`, would point to nothing. */
async function refuseTypeScriptPaths(path: string): Promise<void> {
  const found = /['"`]\.{1,2}\/[^'"`\n]*\.ts['"`]/.exec(await readFile(path, 'utf8'))
  if (found) throw new Error(`${path} names a TypeScript file that is not published: ${found[0]}`)
}
