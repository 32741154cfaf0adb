import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
/** What must never be in what an app downloads: Node's modules, the database drivers, the server's side. */
const FORBIDDEN = [
  /\bnode:[a-z]/,
  /\bkysely\b/i,
  /\bfrom\s*["']pg["']|require\(["']pg["']\)|\bpg-(pool|protocol|types)\b/,
]
const SERVER_SIDE =
  /packages\/(server|keys|cli)\/|\/src\/(gateway|service)\/|node_modules\/(pg|kysely|hono|redis)\//
/** Compressed size that an app may pay; raise it knowingly. */
const GZIP_LIMIT_BYTES = 64 * 1024

async function bundle(entry: string, minify: boolean) {
  const result = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify,
      target: 'es2022',
      lib: { entry: join(ROOT, entry), formats: ['es'], fileName: 'bundle' },
    },
  })
  const outputs = (Array.isArray(result) ? result : [result]) as Rollup.RollupOutput[]
  const chunks = outputs.flatMap(({ output }) => output).filter((part) => part.type === 'chunk')
  return {
    code: chunks.map((chunk) => chunk.code).join('\n'),
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    imports: chunks.flatMap((chunk) => chunk.imports),
  }
}

test('the browser bundle of the SDK holds nothing of Node, of a database or of the server', async () => {
  const { code, modules, imports } = await bundle('packages/sdk/src/index.ts', false)
  expect(code).toContain('connect')
  expect(modules.filter((path) => SERVER_SIDE.test(path))).toEqual([])
  for (const pattern of FORBIDDEN) expect(code.match(pattern)?.[0]).toBeUndefined()
  expect(imports).toEqual([])
})

test('the browser bundle of the SDK stays small', async () => {
  const { code } = await bundle('packages/sdk/src/index.ts', true)
  const compressed = gzipSync(code).length
  console.log(`sdk, browser, minified: ${code.length} bytes, ${compressed} bytes with gzip`)
  expect(compressed).toBeLessThan(GZIP_LIMIT_BYTES)
})

test('the search finds what it looks for, in the bundle of a server file', async () => {
  const { code } = await bundle('packages/crypto/src/node/index.ts', false)
  expect(code).toMatch(FORBIDDEN[0]!)
})
