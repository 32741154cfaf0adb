import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { connect } from '@keyhaven/sdk'
import { expect, test } from 'vitest'
import { type CliFolder, createCliFolder } from './cli/cli-folder.ts'
import { runCliScript } from './cli/run-cli-script.ts'
import { startCommand, startForPerson } from './cli/started-server.ts'

const SCRIPT_TIMEOUT_MS = 600_000

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
    PORT: new URL(server.publicUrl).port,
    TRUST: JSON.stringify({ rootThumbprints }),
  })
  expect(await server.stop()).toBe(0)
})

test('keyhaven gateway prints what an app needs to call it', { timeout: SCRIPT_TIMEOUT_MS }, async () => {
  await using folder = await createCliFolder()
  const argv = ['gateway', '--upstream', 'http://127.0.0.1:3000', '--data', 'data']
  const greeting = await greetingOf(folder, argv, "await keyhaven.fetch('/')")
  const shown = (text: string) => /rootThumbprints: \['([\w-]{43})', '([\w-]{43})'\]/.exec(text)?.slice(1)
  expect(greeting).toContain('  backend        http://127.0.0.1:3000\n')
  expect(greeting).toMatch(/connect\({ url: 'http:\/\/127\.0\.0\.1:\d+', applicationId: 'demo', trust }\)/)

  await using server = await startCommand(folder, [...argv, '--application', 'demo'])
  expect(shown(greeting)).toEqual(server.defaultApplication.rootThumbprints)
  const trust = { rootThumbprints: shown(greeting)! }
  const keyhaven = connect({ url: server.publicUrl, applicationId: 'demo', trust })
  await keyhaven.refresh() // accepts a manifest of these roots only
  expect(await server.stop()).toBe(0)
})

test('keyhaven gateway for one application names its roots, or says that it is still to be made', {
  timeout: SCRIPT_TIMEOUT_MS,
}, async () => {
  await using folder = await createCliFolder()
  const gateway = ['gateway', '--upstream', 'http://127.0.0.1:3000', '--data', 'data']
  const argv = [...gateway, '--application', 'shop']
  const early = await greetingOf(folder, argv, 'keyhaven apps add')
  expect(early).toContain('There is no application "shop" yet')

  const first = await startCommand(folder, gateway)
  const env = { KEYHAVEN_SERVER: first.adminUrl, KEYHAVEN_DATA_DIR: 'data' }
  const step = await runInFolder(folder, env, ['apps', 'add', 'shop', '--json'])
  await first.stop()

  await using server = await startCommand(folder, argv)
  const { trust } = JSON.parse(step) as { trust: { rootThumbprints: string[] } }
  expect(server.defaultApplication).toEqual({ id: 'shop', rootThumbprints: trust.rootThumbprints })
})

/** What it says when it is ready; then it is stopped. */
async function greetingOf(folder: CliFolder, argv: readonly string[], last: string): Promise<string> {
  await using started = await startForPerson(folder, argv, last)
  return started.greeting
}

async function runInFolder(
  folder: CliFolder,
  env: Readonly<Record<string, string>>,
  argv: readonly string[],
): Promise<string> {
  const options = { cwd: folder.path, env: { ...folder.env, ...env } }
  return (await promisify(execFile)('keyhaven', argv, options)).stdout
}
