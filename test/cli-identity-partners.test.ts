import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificateToPem, DEFAULT_POLICIES } from '@keyhaven/identity'
import { afterAll, beforeAll, test } from 'vitest'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { ENGINES } from './kit/engines.ts'
import { TEST_ADMIN_TOKEN } from './kit/server-process.ts'
import { startTestServer, type TestServer } from './kit/test-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(ENGINES[0]!)
})
afterAll(() => server?.dispose())

test('keyhaven identity partners and policies with a real server', {
  timeout: SCRIPT_TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  const authority = await testHolder(1, { ca: true, subject: { commonName: 'Invented Authority' } })
  const shop = await testHolder(2, {
    issuedBy: authority,
    subject: { commonName: 'shop', organisation: 'Invented Shop' },
  })
  const policy = structuredClone(
    DEFAULT_POLICIES.find(({ id }) => id === 'mpolicy-default-euin')!.document,
  ) as {
    shareableAttributes: { source: Record<string, unknown>[] }[]
  }
  policy.shareableAttributes[0]!.source[0]!.filters = []
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text)
  await write('authority.pem', certificateToPem(authority.certificate))
  await write('shop.pem', certificateToPem(shop.certificate))
  await write('shop.key', '-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n')
  await write('policy.json', JSON.stringify(policy))
  await runCliScript('identity-partners.txt', folder, {
    KEYHAVEN_SERVER: server.adminUrl,
    KEYHAVEN_ADMIN_TOKEN: TEST_ADMIN_TOKEN,
  })
})
