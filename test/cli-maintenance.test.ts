import { test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { type StartedServer, startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000
const env = { KEYHAVEN_DATA_DIR: 'data' }

function reach({ adminUrl, publicUrl, defaultApplication }: StartedServer): Record<string, string> {
  const { rootThumbprints } = defaultApplication
  return { KEYHAVEN_SERVER: adminUrl, PUBLIC: publicUrl, TRUST: JSON.stringify({ rootThumbprints }) }
}

test('a restored backup does not revive a revoked key', { timeout: SCRIPT_TIMEOUT_MS }, async () => {
  await using folder = await createCliFolder()
  {
    await using server = await startCommand(folder, ['serve'], env)
    await runCliScript('maintenance-running.txt', folder, { ...env, ...reach(server) })
  }
  await runCliScript('maintenance-stopped.txt', folder, env)
  await using server = await startCommand(folder, ['serve'], env)
  await runCliScript('maintenance-after.txt', folder, { ...env, ...reach(server) })
})
