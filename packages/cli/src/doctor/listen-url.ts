const ANY_HOSTS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** The address to call a listener of this machine at. */
export function listenUrl(
  scheme: 'http' | 'https',
  address: { readonly host: string; readonly port: number },
): string {
  const host = ANY_HOSTS[address.host] ?? address.host
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
