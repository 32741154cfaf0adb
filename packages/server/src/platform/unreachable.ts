/** System errors of a connection that was not made, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: nothing listens there',
  ENOTFOUND: 'is not known: the host name does not resolve',
  EAI_AGAIN: 'is not known: the name service does not answer',
  ETIMEDOUT: 'does not answer in time',
  EHOSTUNREACH: 'cannot be reached: there is no route to it',
  ENETUNREACH: 'cannot be reached: there is no route to it',
  ECONNRESET: 'breaks the connection off',
  EPIPE: 'breaks the connection off',
  ENOENT: 'cannot be reached: there is no such socket',
  EACCES: 'cannot be reached: this user may not use the socket',
}
/** What OpenSSL and node:tls call a certificate that they do not take. */
const CERTIFICATE = /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$/

/** Why a connection was not made; undefined if the error is of another kind. */
export function unreachableReason(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code !== 'string') return undefined
  return (
    REASONS[code] ?? (CERTIFICATE.test(code) ? `has no TLS that this machine trusts (${code})` : undefined)
  )
}

/** `HOST:PORT` of a connection's URL, and nothing else of it: the rest can hold a password. */
export function addressOf(url: string, defaultPort: number): string {
  if (!URL.canParse(url)) return 'the configured address'
  const { hostname, port, searchParams } = new URL(url)
  const host = hostname || searchParams.get('host') || 'localhost'
  return host.startsWith('/') ? host : `${host}:${port || defaultPort}`
}
