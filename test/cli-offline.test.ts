import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runScript } from './cli/run-script.ts'

test('keyhaven without a server', async () => {
  await using folder = await createCliFolder()
  const script = fileURLToPath(new URL('cli/offline.txt', import.meta.url))
  const surroundings = { cwd: folder.path, env: folder.env, names: [[folder.path, '<dir>']] as const }
  for (const { command, actual, expected } of await runScript(script, surroundings)) {
    expect.soft(actual, command).toBe(expected)
  }
})
