import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const DEMO = fileURLToPath(new URL('../tools/demo.ts', import.meta.url))
const TIMEOUT_MS = 480_000
const execute = promisify(execFile)

test('every claim of the messaging tour holds', { timeout: TIMEOUT_MS }, async () => {
  const { stdout } = await execute(process.execPath, [DEMO, '--only', 'messaging'], { timeout: TIMEOUT_MS })
  expect(stdout).not.toContain('NOT TRUE')
  expect(stdout).toMatch(/^\d{2} claims hold, 0 do not \(messaging, \d+ s\)$/m)
})
