import type { SealedHandler } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Config } from '../platform/config/config.ts'
import { isLoopback } from '../platform/http/loopback.ts'
import { problemResponse } from '../platform/http/problem.ts'
import type { ProxyMode } from '../serve.ts'
import { isTenant } from '../serve-public.ts'
import type { Forwarder } from './forward.ts'
import { createForwarder } from './forward.ts'

const REFUSED_METHODS: readonly string[] = ['CONNECT', 'TRACE']

export interface ProxyService {
  readonly handler: SealedHandler
  readonly serves: (applicationId: string) => boolean
  /** Which paths there are is the backend's affair. */
  readonly allowPath: () => boolean
}

/**
 * What sealed calls reach in proxy mode: the configured backends, by exact origin.
 *
 * @throws KeyhavenError `CONFIG_INVALID` without a backend, or if a backend is this server's own admin address.
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
  const own = ownOrigins(config)

  return {
    serves: (applicationId) =>
      isTenant(applicationId) && (mode.applicationId === undefined || mode.applicationId === applicationId),
    allowPath: () => true,
    async handler(request, context) {
      const { origin } = new URL(request.url)
      // An app that knows only the gateway's address means the first backend.
      const upstream =
        upstreams.get(origin) ?? (own.has(origin) || isOwnLoopback(origin, config) ? first : undefined)
      if (!upstream || REFUSED_METHODS.includes(request.method)) {
        return problemResponse('UPSTREAM_REFUSED', {
          detail: 'The gateway forwards to its configured backends only (KEYHAVEN_UPSTREAMS).',
        })
      }
      return forward(request, upstream, context)
    },
  }
}

/** The addresses under which apps know this gateway. */
function ownOrigins(config: Config): Set<string> {
  const origins = new Set<string>()
  if (config.publicUrl !== undefined) origins.add(new URL(config.publicUrl).origin)
  return origins
}

/** Without a configured address: the host that is listened on. The port may be one that the system chose. */
function isOwnLoopback(origin: string, config: Config): boolean {
  const { protocol, hostname } = new URL(origin)
  if (config.publicUrl !== undefined || protocol !== (config.tls ? 'https:' : 'http:')) return false
  const name = hostname.replace(/^\[|\]$/g, '')
  return name === config.host || (isLoopback(config.host) && isLoopback(name))
}

function refuseOwnAdmin(upstream: URL, config: Config): void {
  const { host, port } = config.admin
  const name = upstream.hostname.replace(/^\[|\]$/g, '')
  const samePort = Number(upstream.port) === port
  if (samePort && (name === host || (isLoopback(name) && isLoopback(host)))) {
    throw new KeyhavenError('CONFIG_INVALID', 'the admin address of this server cannot be a backend')
  }
}
