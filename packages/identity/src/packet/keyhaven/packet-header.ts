import {
  fromUtf8,
  type HpkeSuite,
  KEM_ENCAPSULATED_KEY_BYTES,
  Reader,
  SHA256_BYTES,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { requireRefId, requireRid } from '../registration-id.ts'

/** Begins every packet of the profile `keyhaven`, so that nobody takes one for MOSIP's. */
const MAGIC = utf8('KHPK')
const VERSION = 1
const MAX_ID_BYTES = 64
const MAX_MANIFEST_BYTES = 16 * 1024
const INFO_LABEL = utf8('keyhaven identity packet v1')
const FILE_LABEL = utf8('keyhaven identity sub-packet v1')

/** X-Wing holds against a quantum computer too: packets lie in stores for years. */
export const PACKET_SUITE: HpkeSuite = { kem: 'x-wing', aead: 'aes-256-gcm' }
export const PACKET_ENC_BYTES = KEM_ENCAPSULATED_KEY_BYTES['x-wing']

/** What anybody can read of a packet. Layout: docs/formats.md, "Registration packet". */
export interface PacketHeader {
  readonly rid: string
  readonly refId: string
  /** SHA-256 of the public key that it is encrypted for, 32 bytes. */
  readonly recipient: Uint8Array
}

// "KHPK" | version u8 = 1 | registration id, reference id: u8 length, ASCII | recipient 32
export function encodePacketHeader({ rid, refId, recipient }: PacketHeader): Uint8Array {
  return new Writer().bytes(MAGIC).u8(VERSION).bytes8(utf8(rid)).bytes8(utf8(refId)).bytes(recipient).done()
}

/** A packet up to its encrypted sub-packets. */
export interface PacketFront {
  readonly header: PacketHeader
  /** HPKE's encapsulated key. */
  readonly enc: Uint8Array
  readonly manifest: Uint8Array
  /** The encrypted sub-packets, one after the other. */
  readonly files: Uint8Array
}

// header | enc 1120 | manifest: varint length, ciphertext | sub-packets: Cobblestone-256 files
/** @throws KeyhavenError `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `PACKET_INVALID` on a wrong id. */
export function decodePacketFront(bytes: Uint8Array): PacketFront | undefined {
  const reader = new Reader(bytes)
  const magic = reader.bytes(MAGIC.length)
  if (MAGIC.some((byte, at) => byte !== magic[at]) || reader.u8() !== VERSION) return undefined
  const rid = fromUtf8(reader.bytes8(MAX_ID_BYTES))
  const refId = fromUtf8(reader.bytes8(MAX_ID_BYTES))
  requireRid(rid)
  requireRefId(refId)
  const header = { rid, refId, recipient: reader.bytes(SHA256_BYTES) }
  const enc = reader.bytes(PACKET_ENC_BYTES)
  const manifest = reader.bytesVarint(MAX_MANIFEST_BYTES)
  return { header, enc, manifest, files: reader.bytes(reader.remaining) }
}

/** HPKE's info: the whole header, which no other packet has. */
export function packetInfo(header: PacketHeader): Uint8Array {
  return new Writer().bytes(INFO_LABEL).bytes(encodePacketHeader(header)).done()
}

/** Binds a sub-packet to its packet and name: context of its key, and of the file that the key encrypts. */
export function subPacketContext({ rid, refId }: PacketHeader, name: string): Uint8Array {
  return new Writer().bytes(FILE_LABEL).bytes8(utf8(rid)).bytes8(utf8(refId)).bytes8(utf8(name)).done()
}
