import { isLoopback } from '../admin/admin-client.ts'

const ANY_HOSTS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** The address to call a listener of this machine at. */
export function listenUrl(
  scheme: 'http' | 'https',
  address: { readonly host: string; readonly port: number },
): string {
  const host = ANY_HOSTS[address.host] ?? address.host
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

/**
 * The address to call a listener at that a server tells of itself.
 *
 * @param serverHost - under which the server is known here; a listener on every address is there, too.
 * @returns undefined if it listens only to its own machine, which is not this one.
 */
export function callableUrl(address: string, serverHost: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = serverHost
  else if (isLoopback(url.hostname) && !isLoopback(serverHost)) return undefined
  return url.href
}
