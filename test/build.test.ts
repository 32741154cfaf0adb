import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from './kit/run-program.ts'

const ROOT = join(import.meta.dirname, '..')
const BUILD_TIMEOUT_MS = 300_000
const RUN_TIMEOUT_MS = 240_000

let folder: string

/**
 * An app that has installed the built packages: real folders in its node_modules, their dependencies linked.
 */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-build-'))
  const out = join(folder, 'npm')
  const built = await runProgram(process.execPath, [join(ROOT, 'tools/build.ts'), '--out', out], {
    cwd: ROOT,
    timeoutMs: BUILD_TIMEOUT_MS,
  })
  expect(built.code, built.output).toBe(0)
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@keyhaven'), { recursive: true })
  for (const name of readdirSync(out)) {
    await cp(join(out, name), join(modules, '@keyhaven', name), { recursive: true })
  }
  // The packages' own versions first: they win over those at the top.
  for (const source of [...globSync(join(ROOT, 'packages/*/node_modules')), join(ROOT, 'node_modules')]) {
    for (const name of installed(source)) {
      const link = join(modules, name)
      await mkdir(dirname(link), { recursive: true })
      if (!existsSync(link)) symlinkSync(join(source, name), link)
    }
  }
}, BUILD_TIMEOUT_MS)

/** Names of packages, with their scope. */
function installed(modules: string): string[] {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return []
    return name.startsWith('@') ? readdirSync(join(modules, name)).map((of) => join(name, of)) : [name]
  })
}

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the built packages hold no TypeScript source and no test', () => {
  const files = globSync('node_modules/@keyhaven/**', { cwd: folder })
  expect(files.filter((path) => /(?<!\.d)\.tsx?$|\.test\.|tsconfig/.test(path))).toEqual([])
})

test('every import in a built file leads to a built file', () => {
  const broken = globSync('node_modules/@keyhaven/*/src/**/*.{js,d.ts}', { cwd: folder }).filter((path) =>
    /(?:from|import) ?\(?['"]\.[^'"]*\.tsx?['"]/.test(readFileSync(join(folder, path), 'utf8')),
  )
  expect(broken).toEqual([])
})

test('an app imports the built SDK', async () => {
  const app = join(folder, 'app.mjs')
  await writeFile(
    app,
    `import { connect, KeyhavenError } from '@keyhaven/sdk'
     const trust = { rootThumbprints: ['A'.repeat(43)] }
     const keyhaven = connect({ url: 'http://127.0.0.1:9', applicationId: 'demo', trust })
     const error = await keyhaven.fetch('/v1/echo').catch((error) => error)
     console.log(typeof connect, KeyhavenError.name, error instanceof Error)`,
  )
  const { output } = await runProgram(process.execPath, [app], { cwd: folder, timeoutMs: RUN_TIMEOUT_MS })
  expect(output.trim()).toBe('function KeyhavenError true')
})

test('an app compiles against the built declarations', async () => {
  await writeFile(
    join(folder, 'app.ts'),
    `import { connect, type Keyhaven } from '@keyhaven/sdk'
     import { createGateway } from '@keyhaven/channel/gateway'
     export const keyhaven: Keyhaven = connect({ url: '', applicationId: '', trust: { pinnedKeys: [] } })
     export const gateway: (...args: never[]) => unknown = createGateway`,
  )
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2024', types: ['node'] }
  await writeFile(config, JSON.stringify({ compilerOptions, files: ['app.ts'] }))
  const { code, output } = await runProgram(
    process.execPath,
    [join(ROOT, 'test/kit/check-types.ts'), config, folder],
    { cwd: folder, timeoutMs: RUN_TIMEOUT_MS },
  )
  expect(output).toBe('')
  expect(code).toBe(0)
})

test('the built command runs', async () => {
  const command = join(folder, 'node_modules/@keyhaven/cli/bin/keyhaven.mjs')
  const { code, output } = await runProgram(process.execPath, [command, '--version'], {
    cwd: folder,
    timeoutMs: RUN_TIMEOUT_MS,
  })
  expect(output).toMatch(/^\d+\.\d+\.\d+/)
  expect(code).toBe(0)
})
