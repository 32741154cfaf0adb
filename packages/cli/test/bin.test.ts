import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './run-command.ts'

const execute = promisify(execFile)
const BIN = fileURLToPath(new URL('../bin/keyhaven.mjs', import.meta.url))
/** Makes this Node say that it is an old one. The Node that is started instead says the truth. */
const AS_OLD_NODE = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } })",
)}`
/** Writes to stderr, at the end, what was loaded. */
const LIST_MODULES = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
  process.on('exit', () => console.error(loaded.join('\\n')))`,
)}`

test('an old Node starts the new one that npm brought along, and passes everything on', async () => {
  const started = await execute(process.execPath, ['--import', AS_OLD_NODE, BIN, '--version'])
  expect(started.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const failed = execute(process.execPath, ['--import', AS_OLD_NODE, BIN, 'nonsense'])
  await expect(failed).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown command 'nonsense'"),
  })
})

test('without a new Node it says what to do', async () => {
  await using folder = await temporaryFolder()
  const alone = join(folder.path, 'keyhaven.mjs')
  await copyFile(BIN, alone)
  const failed = execute(process.execPath, ['--import', AS_OLD_NODE, alone, '--version'])
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/needs Node 26.*\n.*npm install/),
  })
})

test('an old Node that finds only itself does not start itself for ever', async () => {
  const env = { ...process.env, KEYHAVEN_NODE_REEXECUTED: '1' }
  const failed = execute(process.execPath, ['--import', AS_OLD_NODE, BIN, '--version'], { env })
  await expect(failed).rejects.toMatchObject({ code: 1 })
})

test('--help loads nothing but the command itself, so that it is there at once', async () => {
  const { stderr } = await execute(process.execPath, ['--import', LIST_MODULES, BIN, '--help'])
  const files = stderr.split('\n').filter((url) => url.startsWith('file:'))
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((url) => !/\/packages\/cli\/(bin|src)\/|\/commander\//.test(url))).toEqual([])
})
