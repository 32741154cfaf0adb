import { KeyhavenError } from '@keyhaven/crypto'

/** An envelope that lay in the mailbox. Who sent it is the server's word: decrypting tells for sure. */
export interface MailItem {
  readonly id: string
  readonly envelope: string
  readonly from: { readonly username: string; readonly device: string }
  readonly receivedAt: Date
  /** Where the mailbox goes on after this. */
  readonly cursor: string
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readMailItem(value: unknown): MailItem {
  const { cursor, id, from, envelope, receivedAt } = object(value)
  const { username, device } = object(from)
  const at = new Date(text(receivedAt))
  if (Number.isNaN(at.getTime())) throw malformed()
  return {
    id: text(id),
    envelope: text(envelope),
    from: { username: text(username), device: text(device) },
    receivedAt: at,
    cursor: text(cursor),
  }
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw malformed()
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw malformed()
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'the mailbox gave an answer that cannot be read')
}
