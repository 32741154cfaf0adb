import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that it got. */
export interface SeenRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

/** What it answers: JSON unless `text` is given. */
export interface Answer {
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ScriptedAdmin extends AsyncDisposable {
  readonly url: string
  readonly seen: SeenRequest[]
}

/**
 * An admin API that answers as it is told: for answers that a healthy server does not give. The commands are
 * tested against the real server in test/cli-server.test.ts.
 *
 * @param answers - by `METHOD /path` without the query.
 */
export async function startScriptedAdmin(answers: Readonly<Record<string, Answer>>): Promise<ScriptedAdmin> {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    const path = request.url ?? '/'
    seen.push({
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      body: body === '' ? undefined : JSON.parse(body),
    })
    const known = answers[`${request.method} ${path.split('?')[0]}`]
    const answer = known ?? {
      status: 404,
      json: problem('NOT_FOUND', 404, 'there is no such path in the script'),
    }
    const text = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json))
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A problem document as the server writes it. */
export function problem(code: string, status: number, title: string, detail?: string): object {
  return { type: `urn:keyhaven:error:${code}`, code, title, status, ...(detail && { detail }) }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
