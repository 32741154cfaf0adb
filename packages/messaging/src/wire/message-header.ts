import { utf8, Writer } from '@keyhaven/crypto'
import type { Envelope, EnvelopeNegotiation } from './envelope.ts'

const LABEL = utf8('keyhaven message v1')
const NUMBER_BYTES = 4
const NO_NEGOTIATION = 0
const WITH_NEGOTIATION = 1

/**
 * What a message's AEAD authenticates beside its content, first part: the same for all messages of a session.
 *
 * label: u8 length, "keyhaven message v1" | application: u16 length, UTF-8 | username: u16 length, UTF-8 |
 * device: u8 length, ASCII | session: u8 length, ASCII
 */
export function messageHeaderHead(envelope: Pick<Envelope, 'application' | 'session' | 'from'>): Uint8Array {
  return new Writer(256)
    .bytes8(LABEL)
    .bytes16(utf8(envelope.application))
    .bytes16(utf8(envelope.from.username))
    .bytes8(utf8(envelope.from.device))
    .bytes8(utf8(envelope.session))
    .done()
}

/**
 * Second part: n u32 | 0 u8, or 1 u8 and the 32-byte hash of the negotiation that travels with it.
 *
 * @param negotiationHash - of {@link negotiationBytes}; undefined without negotiation.
 */
export function messageHeader(
  head: Uint8Array,
  n: number,
  negotiationHash: Uint8Array | undefined,
): Uint8Array {
  const header = new Uint8Array(head.length + NUMBER_BYTES + 1 + (negotiationHash?.length ?? 0))
  header.set(head)
  let at = head.length
  header[at++] = n >>> 24
  header[at++] = n >>> 16
  header[at++] = n >>> 8
  header[at++] = n
  header[at++] = negotiationHash ? WITH_NEGOTIATION : NO_NEGOTIATION
  if (negotiationHash) header.set(negotiationHash, at)
  return header
}

/** What the hash of a negotiation covers: jws, then each device and its wrapped key in order of the devices' ids. */
export function negotiationBytes(negotiation: EnvelopeNegotiation): Uint8Array {
  // No part has a line feed, so the parts cannot be shifted against each other.
  const parts = [negotiation.jws]
  for (const device of Object.keys(negotiation.keys).sort()) parts.push(device, negotiation.keys[device]!)
  return utf8(parts.map((part) => JSON.stringify(part)).join('\n'))
}
