import { HOP_BY_HOP_FIELDS, type SealedContext } from '@keyhaven/channel/gateway'

/** What only a proxy may say: whoever is before us said it to deceive whoever is behind us. */
const PROXY_PREFIXES = ['x-forwarded-', 'x-keyhaven-']
const PROXY_NAMES = new Set(['forwarded', 'x-real-ip', 'via'])

export const APPLICATION_HEADER = 'x-keyhaven-application'
export const INSTALLATION_HEADER = 'x-keyhaven-installation'

/** Whether a header is taken out, in either direction. @param connection - names that `Connection` lists. */
function isStripped(name: string, connection: ReadonlySet<string>): boolean {
  // Behind CGI, WSGI and Rack `x_keyhaven_application` is the same variable as `x-keyhaven-application`.
  const read = name.replace(/[^a-z0-9]/g, '-')
  return (
    HOP_BY_HOP_FIELDS.has(read) ||
    PROXY_NAMES.has(read) ||
    connection.has(name) ||
    PROXY_PREFIXES.some((prefix) => read.startsWith(prefix))
  )
}

function connectionNames(value: string | null | undefined): ReadonlySet<string> {
  return new Set((value ?? '').split(',').map((name) => name.trim().toLowerCase()))
}

/**
 * The headers that a backend gets: those of the app, without what belongs to a connection or to a proxy, and
 * ours.
 *
 * @param context - who called, authenticated by opening the request.
 */
export function upstreamHeaders(
  headers: Headers,
  upstream: URL,
  context: Pick<SealedContext, 'applicationId' | 'client'>,
): Record<string, string> {
  const connection = connectionNames(headers.get('connection'))
  const forwarded: Record<string, string> = {}
  headers.forEach((value, name) => {
    if (!isStripped(name, connection)) forwarded[name] = value
  })
  forwarded.host = upstream.host
  // Length and compression of what is sealed must not depend on a secret beside what an attacker chose.
  forwarded['accept-encoding'] = 'identity'
  // The body has come whole through the seal already.
  delete forwarded.expect
  forwarded[APPLICATION_HEADER] = context.applicationId
  if (context.client) forwarded[INSTALLATION_HEADER] = context.client.installationId
  return forwarded
}

/**
 * The headers that an app gets of a backend's answer.
 *
 * @param raw - names and values in turn, as node:http gives them.
 */
export function appHeaders(raw: readonly string[]): Headers {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!.toLowerCase(), raw[i + 1]!])
  const listed = pairs.filter(([name]) => name === 'connection').map(([, value]) => value)
  const connection = connectionNames(listed.join(','))
  const headers = new Headers()
  for (const [name, value] of pairs) {
    if (!isStripped(name, connection)) headers.append(name, value)
  }
  return headers
}
