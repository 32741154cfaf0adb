import { afterAll, beforeAll, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { ENGINES } from './kit/engines.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'
import { TEST_ADMIN_TOKEN } from './kit/server-process.ts'

const SCRIPT_TIMEOUT_MS = 600_000

let server: SdkServer
beforeAll(async () => {
  server = await startSdkServer(ENGINES[0]!)
})
afterAll(() => server?.dispose())

test('keyhaven conversations with a real server', { timeout: SCRIPT_TIMEOUT_MS }, async () => {
  await using folder = await createCliFolder()
  const anna = await server.enroll('anna')
  const ben = await server.enroll('ben')
  try {
    const members = { ben: 'member' } as const
    const managed = await anna.conversations.create({ members, mode: 'managed' })
    const sealed = await anna.conversations.create({ members, mode: 'sealed' })
    const { keyId, packet } = await managed.encrypt('Hello')
    await ben.conversations.decrypt(keyId, packet)
    await runCliScript('conversations.txt', folder, {
      KEYHAVEN_SERVER: server.process.adminUrl,
      KEYHAVEN_ADMIN_TOKEN: TEST_ADMIN_TOKEN,
      MANAGED: managed.id,
      SEALED: sealed.id,
      KEY: keyId,
      ANNA: anna.device,
      BEN: ben.device,
    })
  } finally {
    await anna.close()
    await ben.close()
  }
})
