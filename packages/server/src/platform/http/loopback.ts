import { isIP } from 'node:net'

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

/** The host of a `Host` header, without its port; `undefined` if it is not one host. */
export function hostName(header: string | undefined): string | undefined {
  if (header === undefined || /[\s/@?#\\]/.test(header)) return undefined
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::\d{1,5})?$/.exec(header)
  if (bracketed) return bracketed[1]!.toLowerCase()
  return /^([^:]+)(?::\d{1,5})?$/.exec(header)?.[1]?.toLowerCase()
}
