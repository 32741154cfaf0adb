import { loadConfig } from '../../packages/server/src/platform/config/load-config.ts'
import type { RunningServer } from '../../packages/server/src/serve.ts'
import { startServing } from '../../packages/server/src/serve.ts'
import type { Engine } from './engines.ts'
import { createStateFixture } from './engines.ts'
import { TEST_ADMIN_TOKEN, TEST_ENV } from './server-process.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any member
  readonly body: any
}

export interface TestServer extends RunningServer {
  readonly env: Readonly<Record<string, string>>
  /** Calls the admin API. @param token - default the admin token; null: none. */
  admin(method: string, path: string, body?: unknown, token?: string | null): Promise<Answer>
  dispose(): Promise<void>
}

/** The server in this process, on free ports, with an empty database of the engine. */
export async function startTestServer(
  engine: Engine,
  env: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const fixture = await createStateFixture(engine, { ...TEST_ENV, ...env })
  try {
    const config = loadConfig(fixture.env)
    const server = await startServing(config, config.upstreams.length > 0 ? {} : undefined)
    return {
      ...server,
      env: fixture.env,
      admin: (method, path, body, token) => callAdmin(server.adminUrl, method, path, body, token),
      async dispose() {
        await server.close()
        await fixture.dispose()
      },
    }
  } catch (error) {
    await fixture.dispose()
    throw error
  }
}

/** @param path - under `/admin/v1`. */
export async function callAdmin(
  adminUrl: string,
  method: string,
  path: string,
  body?: unknown,
  token: string | null = TEST_ADMIN_TOKEN,
): Promise<Answer> {
  const ask = () => fetch(`${adminUrl}/admin/v1${path}`, request)
  const request: RequestInit = {
    method,
    redirect: 'manual',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  // A connection that is kept may be closed by the server just when it is used again: on a busy machine it is.
  const response = await (method === 'GET' ? ask().catch(ask) : ask())
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
