import { fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import { refusedSender } from '../session/accept-negotiation.ts'
import type { ReceivingSession } from '../session/receiving-record.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { MessageFrame } from '../wire/message-frame.ts'
import type { ContactTrust, Decrypted, DeviceName } from './messenger.ts'
import type { KnownUser } from './people.ts'

export function decrypted(envelope: Envelope, frame: MessageFrame, trust: ContactTrust): Decrypted {
  return {
    bytes: frame.body,
    text: frame.kind === 'text' ? fromUtf8(frame.body) : undefined,
    from: envelope.from,
    sentAt: new Date(frame.sentAt),
    session: envelope.session,
    n: envelope.n,
    trust,
    verified: trust === 'verified',
  }
}

/** Asked at each message: the sender's device is neither revoked nor of a chain that was reset. */
export function requireSender(
  { user, devices }: KnownUser,
  session: Pick<ReceivingSession, 'device' | 'chain'>,
): void {
  if (user.chain !== session.chain) throw refusedSender('CHAIN_RESET')
  if (devices.has(session.device)) return
  const refusal = user.refused.find(({ device }) => device === session.device)
  // A session that was negotiated under a valid key outlives that key's expiry, never a revocation.
  // Nor does it end because the directory has lost the newest encryption key: that is not what signs.
  if (refusal?.code === 'KEY_EXPIRED' || refusal?.code === 'DIRECTORY_STALE') return
  throw refusedSender(refusal?.code ?? 'DEVICE_REVOKED')
}

export const isSameDevice = (a: DeviceName, b: DeviceName): boolean =>
  a.device === b.device && a.username === b.username

export function openFailed(): KeyhavenError {
  return new KeyhavenError('OPEN_FAILED', 'the message does not open')
}
