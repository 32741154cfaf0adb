import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand, startForPerson } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000

test('keyhaven manages a running server', { timeout: SCRIPT_TIMEOUT_MS }, async () => {
  await using folder = await createCliFolder()
  await using server = await startCommand(folder, ['serve', '--data', 'data'])
  await runCliScript('server.txt', folder, {
    KEYHAVEN_SERVER: server.adminUrl,
    KEYHAVEN_DATA_DIR: 'data',
    PUBLIC: server.publicUrl,
  })
  expect(await server.stop()).toBe(0)
})

test('the lines that keyhaven serve prints are a first sealed call', {
  timeout: SCRIPT_TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  await using server = await startForPerson(folder, ['serve', '--data', 'data'], 'console.log(')
  const [, lines = ''] = server.greeting.split('A first sealed call to the application "demo":')
  await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder.path, 'node_modules'))
  const app = join(folder.path, 'first-call.mjs')
  await writeFile(app, lines)
  const { stdout } = await promisify(execFile)(process.execPath, [app])
  expect(stdout).toMatch(/^200 {/)
  expect(stdout).toContain('hello')
})
