import { test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000

test('keyhaven directory and keyhaven log with a real server', { timeout: SCRIPT_TIMEOUT_MS }, async () => {
  await using folder = await createCliFolder()
  await using server = await startCommand(folder, ['serve', '--data', 'data'])
  const { rootThumbprints } = server.defaultApplication
  await runCliScript('directory.txt', folder, {
    KEYHAVEN_SERVER: server.adminUrl,
    KEYHAVEN_DATA_DIR: 'data',
    PUBLIC: server.publicUrl,
    TRUST: JSON.stringify({ rootThumbprints }),
  })
})
