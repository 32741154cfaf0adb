import type { BhttpField } from '../wire/bhttp-message.ts'
import { OWN_FIELD_PREFIX } from '../wire/client-header.ts'

/**
 * Fields about one connection (RFC 9110 §7.6.1, and what older programs also take as such), in lower case:
 * they mean nothing beyond it.
 */
export const HOP_BY_HOP_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Without fields that are hop-by-hop or named by `connection`, and without our own (`x-keyhaven-…`), which
 * would otherwise speak for the gateway.
 *
 * @param fields - names in lower case.
 */
export function endToEndFields(fields: Iterable<BhttpField>): BhttpField[] {
  const kept: BhttpField[] = []
  let named: string[] | undefined
  for (const field of fields) {
    const name = field[0]
    if (name === 'connection') {
      named = [
        ...(named ?? []),
        ...field[1]
          .toLowerCase()
          .split(',')
          .map((token) => token.trim()),
      ]
    }
    if (!HOP_BY_HOP_FIELDS.has(name) && !name.startsWith(OWN_FIELD_PREFIX)) kept.push(field)
  }
  return named === undefined ? kept : kept.filter(([name]) => !named.includes(name))
}
