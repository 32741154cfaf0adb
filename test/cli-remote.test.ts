import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { startRecordingProxy } from './cli/recording-proxy.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000
const env = { KEYHAVEN_DATA_DIR: 'data' }

test('keyhaven reaches a server elsewhere through a sealed channel', {
  timeout: SCRIPT_TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  await using server = await startCommand(folder, ['serve'], env)
  const token = (await readFile(join(folder.path, 'data', 'admin-token'), 'utf8')).trim()
  const trust = await fetch(`${server.adminUrl}/admin/v1/applications/keyhaven-admin/trust`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { rootThumbprints } = (await trust.json()) as { rootThumbprints: string[] }
  await using proxy = await startRecordingProxy(server.adminUrl)
  await runCliScript('remote.txt', folder, {
    ...env,
    KEYHAVEN_SERVER: proxy.url,
    ADMIN_ROOT: rootThumbprints[0]!,
  })
  const seen = proxy.seen().toString('latin1')
  expect(seen).toContain('message/ohttp-chunked-req')
  for (const secret of [token, 'kh_wrong', 'remote-shop', 'Bearer']) expect(seen).not.toContain(secret)
})
