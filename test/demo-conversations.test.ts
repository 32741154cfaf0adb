import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { cephOwner } from './kit/ceph.ts'

const DEMO = fileURLToPath(new URL('../tools/demo.ts', import.meta.url))
const TIMEOUT_MS = 240_000
/** Four pieces of an upload, so that there is a middle to cut it in. */
const FILE_MEGABYTES = 32
const execute = promisify(execFile)

test('every claim of the tour of conversations holds', { timeout: TIMEOUT_MS }, async () => {
  const words = [DEMO, '--only', 'conversations', '--file-megabytes', String(FILE_MEGABYTES)]
  const env = { ...process.env, CEPH_OWNER: String(cephOwner()) }
  const { stdout } = await execute(process.execPath, words, { timeout: TIMEOUT_MS, env })
  expect(stdout).not.toContain('NOT TRUE')
  expect(stdout).toMatch(/^\d{2} claims hold, 0 do not \(conversations, \d+ s\)$/m)
})

test('a size that is none is refused', async () => {
  const refused = execute(process.execPath, [DEMO, '--only', 'conversations', '--file-megabytes', 'none'])
  await expect(refused).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--file-megabytes'),
  })
})
