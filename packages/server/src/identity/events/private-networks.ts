import { BlockList, isIP } from 'node:net'

/** IPv4 that is not the Internet's (RFC 6890 and the registry that it began). */
const PRIVATE_IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
/**
 * Of IPv6 only 2000::/3 is the Internet's, and of that not what carries IPv4 or is for protocols and
 * examples.
 */
const GLOBAL_IPV6 = '2000::/3'
const PRIVATE_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const blocked = new BlockList()
const global = new BlockList()
for (const range of PRIVATE_IPV4) addRange(blocked, range, 'ipv4')
for (const range of PRIVATE_IPV6) addRange(blocked, range, 'ipv6')
addRange(global, GLOBAL_IPV6, 'ipv6')

/** Whether an address belongs to a machine of nobody's or of our own network; also what is no address. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return blocked.check(address, 'ipv4')
  // An IPv4 address in IPv6's clothes is outside of 2000::/3, too.
  return (
    family !== 6 || address.includes('%') || !global.check(address, 'ipv6') || blocked.check(address, 'ipv6')
  )
}

function addRange(list: BlockList, range: string, family: 'ipv4' | 'ipv6'): void {
  const [network, bits] = range.split('/') as [string, string]
  list.addSubnet(network, Number(bits), family)
}
