import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 240_000

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
