import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 120_000

/** Knows nothing of sealed calls: answers with what it got. */
async function startBackend(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.end(`${request.method} ${request.url} ${body}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('keyhaven gateway opens sealed calls in front of a backend', {
  timeout: SCRIPT_TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  await using backend = await startBackend()
  const argv = [
    'gateway',
    '--upstream',
    backend.url,
    '--application',
    'demo',
    '--data',
    'data',
    '--workers',
    '2',
  ]
  await using server = await startCommand(folder, argv)
  const { rootThumbprints } = server.defaultApplication
  await runCliScript('gateway.txt', folder, {
    KEYHAVEN_SERVER: server.adminUrl,
    KEYHAVEN_DATA_DIR: 'data',
    PUBLIC: server.publicUrl,
    BACKEND: backend.url,
    TRUST: JSON.stringify({ rootThumbprints }),
  })
  expect(await server.stop()).toBe(0)
})
