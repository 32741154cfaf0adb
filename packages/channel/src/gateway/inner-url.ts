import { KeyhavenError } from '@keyhaven/crypto'
import type { BhttpRequestHead } from '../wire/bhttp-message.ts'

const origins = new Map<string, string>()
const KNOWN_ORIGINS_MAX = 256

/**
 * The absolute address of a request, as `URL` would write it.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on an authority that `URL` does not take as it is.
 */
export function innerUrl(head: BhttpRequestHead): string {
  const authority = head.authority || head.headers.find(([name]) => name === 'host')![1]
  const written = `${head.scheme}://${authority}`
  let origin = origins.get(written)
  if (origin === undefined) {
    origin = URL.canParse(written) ? new URL(written).origin : ''
    const sameHost = origin.split(':')[1] === written.toLowerCase().split(':')[1]
    if (origin === '' || !(sameHost || authority.startsWith('['))) {
      throw new KeyhavenError('WIRE_MALFORMED', 'authority')
    }
    if (origins.size >= KNOWN_ORIGINS_MAX) origins.clear()
    origins.set(written, origin)
  }
  return origin + head.path
}
