import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Bytes or text of a file by its path, such as `/app.js`; undefined is a 404. */
export type FileLookup = (path: string) => string | Uint8Array | undefined

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  json: 'application/json',
}

export interface FileServer {
  /** Without a slash at its end. 127.0.0.1 is a secure context: pages there have `crypto.subtle`. */
  readonly origin: string
  close(): Promise<void>
}

/** Serves files from memory on a free port of 127.0.0.1. `/` is `/index.html`. */
export async function serveFiles(lookup: FileLookup): Promise<FileServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const path = pathname === '/' ? '/index.html' : pathname
    const body = lookup(path)
    if (body === undefined) {
      response.writeHead(404).end()
      return
    }
    const extension = path.slice(path.lastIndexOf('.') + 1)
    response
      .writeHead(200, { 'content-type': CONTENT_TYPES[extension] ?? 'application/octet-stream' })
      .end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
