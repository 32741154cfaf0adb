import { test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'

test('keyhaven without a server', async () => {
  await using folder = await createCliFolder()
  await runCliScript('offline.txt', folder)
})
