import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KeyhavenError } from '@keyhaven/crypto'

/** Time a client has for its request line and headers. */
const HEADERS_TIMEOUT_MS = 20_000
/** Time a client has for a whole request, a long upload included. */
const REQUEST_TIMEOUT_MS = 600_000
/** Longer than the usual 60 s of a load balancer, so that the balancer closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** How soon a connection that was told to stay open is closed when its last answer has ended. */
const DRAIN_LOOK_MS = 100
const MAX_HEADER_BYTES = 16 * 1_024
const MAX_HEADERS = 100

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** PEM texts. */
  readonly tls?: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array } | undefined
  readonly handler: NodeHandler
}

export interface Listener {
  readonly url: string
  readonly port: number
  /** Stops accepting, lets running requests end, then cuts those older than `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** @throws KeyhavenError `CONFIG_INVALID` if the address is taken or not ours. */
export async function listen(options: ListenOptions): Promise<Listener> {
  let closing = false
  const settings = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const handler: NodeHandler = (request, response) => {
    if (closing) response.setHeader('connection', 'close')
    options.handler(request, response)
  }
  const server = await createListener(options, settings, handler)
  server.maxHeadersCount = MAX_HEADERS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new KeyhavenError(
          'CONFIG_INVALID',
          `cannot listen on ${options.host}:${options.port} (${cause.code})`,
          {
            cause,
          },
        ),
      ),
    )
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const scheme = options.tls ? 'https' : 'http'
  return {
    url: `${scheme}://${urlHost(options.host)}:${port}`,
    port,
    close: (graceMs) => {
      closing = true
      return drain(server, graceMs)
    },
  }
}

async function createListener(
  { tls }: ListenOptions,
  settings: object,
  handler: NodeHandler,
): Promise<Server> {
  if (!tls) return createServer(settings, handler)
  const https = await import('node:https')
  const pem = { cert: asText(tls.cert), key: asText(tls.key) }
  try {
    return https.createServer({ ...settings, ...pem, minVersion: 'TLSv1.2' }, handler)
  } catch (cause) {
    throw new KeyhavenError('CONFIG_INVALID', 'the TLS certificate and key cannot be used together', {
      cause,
    })
  }
}

function asText(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : new TextDecoder().decode(pem)
}

/** The address to show for a listener: any-address becomes loopback. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(look)
      resolve()
    })
    server.closeIdleConnections()
    const look = setInterval(() => server.closeIdleConnections(), DRAIN_LOOK_MS)
  })
}
