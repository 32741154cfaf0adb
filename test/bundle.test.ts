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
/**
 * Compressed sizes that an app may pay; raise them knowingly. The rest is what only old browsers load, and
 * what messages, conversations and files need: directory, sessions, memberships, file streams, the curve of
 * the log's labels, the word list of recovery keys, RSA.
 */
const FIRST_LOAD_MAX_BYTES = 32 * 1024
const EVERYTHING_MAX_BYTES = 208 * 1024

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
    /** What is not in the bundle. */
    external: chunks
      .flatMap((chunk) => chunk.imports)
      .filter((name) => !chunks.some((c) => c.fileName === name)),
    firstLoad: firstLoad(chunks)
      .map((chunk) => chunk.code)
      .join('\n'),
  }
}

/** The entry and what it imports at once. */
function firstLoad(chunks: readonly Rollup.OutputChunk[]): Rollup.OutputChunk[] {
  const wanted = new Set(chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName))
  for (const name of wanted) {
    for (const imported of chunks.find((chunk) => chunk.fileName === name)?.imports ?? [])
      wanted.add(imported)
  }
  return chunks.filter((chunk) => wanted.has(chunk.fileName))
}

test('the browser bundle of the SDK holds nothing of Node, of a database or of the server', async () => {
  const { code, modules, external } = await bundle('packages/sdk/src/index.ts', false)
  expect(code).toContain('connect')
  expect(modules.filter((path) => SERVER_SIDE.test(path))).toEqual([])
  for (const pattern of FORBIDDEN) expect(code.match(pattern)?.[0]).toBeUndefined()
  expect(external).toEqual([])
})

test('the browser bundle of the SDK stays small', async () => {
  const { code, firstLoad } = await bundle('packages/sdk/src/index.ts', true)
  const sizes = { firstLoad: gzipSync(firstLoad).length, everything: gzipSync(code).length }
  console.log(
    `sdk in a browser, minified, gzip: ${sizes.firstLoad} bytes at first, ${sizes.everything} in all`,
  )
  expect(sizes.firstLoad).toBeLessThan(FIRST_LOAD_MAX_BYTES)
  expect(sizes.everything).toBeLessThan(EVERYTHING_MAX_BYTES)
})

test('the search finds what it looks for, in the bundle of a server file', async () => {
  const { code } = await bundle('packages/crypto/src/node/index.ts', false)
  expect(code).toMatch(FORBIDDEN[0]!)
})
