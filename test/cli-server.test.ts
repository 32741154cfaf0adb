import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runScript } from './cli/run-script.ts'
import { startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 180_000
const fileHere = (name: string) => fileURLToPath(new URL(`cli/${name}`, import.meta.url))

test(
  'keyhaven manages a running server',
  async () => {
    await using folder = await createCliFolder()
    await using server = await startCommand(folder, ['serve', '--data', 'data'])
    const env = {
      ...folder.env,
      KEYHAVEN_SERVER: server.adminUrl,
      KEYHAVEN_DATA_DIR: 'data',
      PUBLIC: server.publicUrl,
    }
    const names = [
      [folder.path, '<dir>'],
      [server.adminUrl, '<admin>'],
      [server.publicUrl, '<public>'],
    ] as const
    for (const { command, actual, expected } of await runScript(fileHere('server.txt'), {
      cwd: folder.path,
      env,
      names,
    })) {
      expect.soft(actual, command).toBe(expected)
    }
    expect(await server.stop()).toBe(0)
  },
  SCRIPT_TIMEOUT_MS,
)
