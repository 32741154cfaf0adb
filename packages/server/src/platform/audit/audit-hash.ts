import { createHash } from 'node:crypto'
import type { AuditDetail, AuditValue } from './audit-log.ts'

export const AUDIT_HASH_BYTES = 32
/** What the first entry stands on. */
export const AUDIT_GENESIS_HASH: Uint8Array = new Uint8Array(AUDIT_HASH_BYTES)
const DOMAIN = Buffer.from('keyhaven audit entry v1\n')

/** An entry as it is hashed and stored: `detail` is already canonical JSON. */
export interface HashedFields {
  readonly sequence: number
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly application_id: string
  readonly subject: string
  readonly detail: string
}

/**
 * SHA-256 over: the domain, the hash before (32 bytes), sequence and time (8 bytes each, big-endian), then
 * actor, action, application id, subject and detail, each with its length in UTF-8 bytes before it (4 bytes,
 * big-endian).
 */
export function auditHash(previous: Uint8Array, entry: HashedFields): Uint8Array {
  const hash = createHash('sha256').update(DOMAIN).update(previous)
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64BE(BigInt(entry.sequence), 0)
  numbers.writeBigUInt64BE(BigInt(entry.at), 8)
  hash.update(numbers)
  for (const text of [entry.actor, entry.action, entry.application_id, entry.subject, entry.detail]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(text), 0)
    hash.update(length).update(text)
  }
  return hash.digest()
}

/** JSON with the members of each object in the order of their names, no white space. */
export function canonicalDetail(detail: AuditDetail): string {
  return JSON.stringify(sorted(detail))
}

function sorted(value: AuditValue): AuditValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const entries = Object.entries(value as AuditDetail).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  )
}
