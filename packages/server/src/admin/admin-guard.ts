import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { hostName } from '../platform/http/loopback.ts'
import { problemResponse } from '../platform/http/problem.ts'

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1']
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD']
const API_PREFIX = '/admin/v1/'

export interface AdminGuardOptions {
  /** Whether the admin address can be reached from this machine only. */
  readonly loopback: boolean
  readonly host: string
  /** The address that browsers use, if it was configured. */
  readonly adminUrl: string | undefined
}

/**
 * Keeps pages of other sites away from the admin address. A page whose name was pointed at 127.0.0.1 (DNS
 * rebinding) sends its own name as Host; a page that sends a form or a fetch (CSRF) sends its origin.
 */
export function adminGuard(options: AdminGuardOptions): MiddlewareHandler<AppEnv> {
  const ownHost = options.adminUrl === undefined ? undefined : new URL(options.adminUrl).host
  const names = new Set([...LOOPBACK_NAMES, options.host.toLowerCase()])
  if (options.adminUrl !== undefined) names.add(new URL(options.adminUrl).hostname.replace(/^\[|\]$/g, ''))

  return async (c, next) => {
    // Inside the seal there is no browser, and Host is whatever the client wrote.
    if (c.env.origin.sealed) return next()
    const host = c.req.header('host')
    const name = hostName(host)
    if (options.loopback && (name === undefined || !names.has(name))) {
      return problemResponse('ACCESS_DENIED', {
        detail:
          'The admin address was called by a name that is not its own. Set KEYHAVEN_ADMIN_URL if it is.',
      })
    }
    const site = c.req.header('sec-fetch-site')
    const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
    const origin = c.req.header('origin')
    const foreignOrigin = origin !== undefined && !isOwnOrigin(origin, host, ownHost)
    const changes = !SAFE_METHODS.includes(c.req.method)
    if ((changes || c.req.path.startsWith(API_PREFIX)) && (foreign || foreignOrigin)) {
      return problemResponse('ACCESS_DENIED', { detail: 'Pages of other sites cannot call the admin API.' })
    }
    return next()
  }
}

function isOwnOrigin(origin: string, host: string | undefined, ownHost: string | undefined): boolean {
  if (!URL.canParse(origin)) return false
  const caller = new URL(origin).host
  return caller === ownHost || (host !== undefined && caller === host.toLowerCase())
}
