import { KEY_SPLITTER, THUMBPRINT_BYTES } from '../mosip/hybrid.ts'
import type { Profile } from '../profile.ts'
import { decodePacketFront } from './keyhaven/packet-header.ts'
import { recipientOfLayer } from './packet-layer.ts'

/** What anybody can read of a packet; nothing of it is verified. */
export interface PacketOutside {
  readonly profile: Profile
  /** Whom it is encrypted for: SHA-256 of the certificate, in profile `keyhaven` of the public key. */
  readonly recipient: Uint8Array
  /** Only in profile `keyhaven`. */
  readonly rid?: string
  readonly refId?: string
}

/** Nonce, associated data, thumbprint and a key wrapped by RSA-2048: the splitter stands behind them. */
const SPLITTER_AT = 12 + 32 + THUMBPRINT_BYTES + 256

/** @returns undefined if it is no packet of either profile. */
export function inspectPacket(bytes: Uint8Array): PacketOutside | undefined {
  try {
    const front = decodePacketFront(bytes)
    if (front) return { profile: 'keyhaven', ...front.header }
  } catch {
    // not one of ours: perhaps MOSIP's
  }
  const recipient = recipientOfLayer(bytes)
  const splits = KEY_SPLITTER.every((byte, at) => bytes[SPLITTER_AT + at] === byte)
  return recipient && splits ? { profile: 'mosip', recipient } : undefined
}
