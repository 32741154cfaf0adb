import type { SealedHandler } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Config } from '../platform/config/config.ts'
import { isLoopback } from '../platform/http/loopback.ts'
import { problemResponse } from '../platform/http/problem.ts'
import { isTenant } from '../serve-public.ts'
import type { Forwarder } from './forward.ts'
import { createForwarder } from './forward.ts'
import type { ProxyMode } from './proxy-mode.ts'

const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
/** Listened on, it is this machine under every address; called, it is this machine, too. */
const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::']
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }
const REFUSED_METHODS: readonly string[] = ['CONNECT', 'TRACE']

export interface ProxyService {
  readonly handler: SealedHandler
  readonly serves: (applicationId: string) => boolean
  /** Which paths there are is the backend's affair. */
  readonly allowPath: () => boolean
  /** Tells it the address that is listened on, once that is known. */
  readonly listening: (url: string) => void
}

/**
 * What sealed calls reach in proxy mode: the configured backends, by exact origin.
 *
 * @throws KeyhavenError `CONFIG_INVALID` without a backend, or if a backend is this server's own admin
 *   address.
 */
export function createProxyService(
  config: Config,
  mode: ProxyMode,
  forward: Forwarder = createForwarder(),
): ProxyService {
  const upstreams = new Map(config.upstreams.map((origin) => [new URL(origin).origin, new URL(origin)]))
  const [first] = upstreams.values()
  if (!first) throw new KeyhavenError('CONFIG_INVALID', 'proxy mode needs a backend: --upstream http://…')
  for (const upstream of upstreams.values()) refuseOwnAdmin(upstream, config)
  /** The addresses under which apps know this gateway. */
  const own = new Set<string>()
  if (config.publicUrl !== undefined) own.add(new URL(config.publicUrl).origin)

  return {
    serves: (applicationId) =>
      isTenant(applicationId) && (mode.applicationId === undefined || mode.applicationId === applicationId),
    allowPath: () => true,
    listening(url) {
      if (config.publicUrl !== undefined) return
      const { protocol, hostname, port } = new URL(url)
      const names = isLoopback(bare(hostname)) ? [...LOOPBACK_HOSTS, hostname] : [hostname]
      for (const name of names) own.add(new URL(`${protocol}//${name}:${port}`).origin)
    },
    async handler(request, context) {
      const { origin } = new URL(request.url)
      // An app that knows only the gateway's address means the first backend.
      const upstream = upstreams.get(origin) ?? (own.has(origin) ? first : undefined)
      if (!upstream || REFUSED_METHODS.includes(request.method)) {
        return problemResponse('UPSTREAM_REFUSED', {
          detail:
            'The gateway forwards to its configured backends only (KEYHAVEN_UPSTREAMS). If apps know it ' +
            'by another address than it listens on, set KEYHAVEN_PUBLIC_URL.',
        })
      }
      return forward(request, upstream, context)
    },
  }
}

/** An IPv6 host without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function refuseOwnAdmin(upstream: URL, config: Config): void {
  const { host, port } = config.admin
  const name = bare(upstream.hostname)
  const samePort = Number(upstream.port || DEFAULT_PORTS[upstream.protocol]) === port
  const here = isLoopback(host) || ANY_ADDRESS.includes(host)
  if (samePort && (name === host || (here && (isLoopback(name) || ANY_ADDRESS.includes(name))))) {
    throw new KeyhavenError('CONFIG_INVALID', 'the admin address of this server cannot be a backend')
  }
}
