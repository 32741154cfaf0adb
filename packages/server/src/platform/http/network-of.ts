import { isIPv6 } from 'node:net'

/** An IPv6 address has 8 groups of 16 bits (RFC 4291 §2.2); the first 4 name a network (§2.5.4). */
const GROUPS = 8
const NETWORK_GROUPS = 4
/** IPv4 in IPv6, as a listener on both sees it (RFC 4291 §2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The /64 network of an IPv6 address; any other address as it is. */
export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [plain = ''] = address.split('%', 1) // without its zone (RFC 4007 §11)
  if (!isIPv6(plain)) return address
  const [front = '', back] = plain.split('::')
  const first = groupsOf(front)
  // The dotted form stands for two groups, but never among the first four unless they are all there.
  const last = back === undefined ? [] : groupsOf(back)
  const dotted = plain.includes('.') ? 1 : 0
  const zeros = new Array<string>(Math.max(0, GROUPS - dotted - first.length - last.length)).fill('0')
  const groups = back === undefined ? first : [...first, ...zeros, ...last]
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
