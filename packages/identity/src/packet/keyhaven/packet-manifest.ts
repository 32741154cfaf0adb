import {
  type CryptoBackend,
  fromUtf8,
  type SigningKey,
  signCompactJws,
  toBase64url,
  utf8,
  type VerifyKey,
  verifyCompactJws,
} from '@keyhaven/crypto'
import type { Profile } from '../../profile.ts'
import { SUB_PACKETS, type SubPacketName } from '../id-schema.ts'
import { packetInvalid } from '../packet-invalid.ts'
import { MAX_UNPACKED_BYTES } from '../zip-files.ts'
import type { PacketHeader } from './packet-header.ts'

const MANIFEST_VERSION = 1
const MANIFEST_TYP = 'keyhaven-packet+jws'
const MANIFEST_PROFILE: Profile = 'keyhaven'
const MAX_MANIFEST_CHARACTERS = 16 * 1024

/** One sub-packet, before encryption. */
export interface ManifestEntry {
  readonly name: SubPacketName
  /** Of its zip file. */
  readonly bytes: number
  /** Base64url, of its zip file. */
  readonly sha256: string
}

/** What the machine signs: everything that a sub-packet could be taken out of or put into. */
export interface PacketManifest {
  readonly process: string
  readonly source: string
  readonly schemaVersion: number
  /** ISO 8601. */
  readonly createdOn: string
  readonly subPackets: readonly ManifestEntry[]
}

function boundMembers(header: PacketHeader, enc: Uint8Array): Record<string, unknown> {
  return {
    v: MANIFEST_VERSION,
    profile: MANIFEST_PROFILE,
    rid: header.rid,
    refId: header.refId,
    recipient: toBase64url(header.recipient),
    enc: toBase64url(enc),
  }
}

/** The signature names recipient and encapsulated key: nobody can pass the packet on under another seal. */
export async function signManifest(
  backend: CryptoBackend,
  signer: SigningKey,
  header: PacketHeader,
  enc: Uint8Array,
  manifest: PacketManifest,
): Promise<Uint8Array> {
  const payload = { ...boundMembers(header, enc), ...manifest }
  return utf8(await signCompactJws(backend, signer, { typ: MANIFEST_TYP }, payload))
}

/** @throws KeyhavenError `PACKET_INVALID`, which names the check. */
export async function verifyManifest(
  backend: CryptoBackend,
  key: VerifyKey,
  header: PacketHeader,
  enc: Uint8Array,
  signed: Uint8Array,
): Promise<PacketManifest> {
  const expected = { typ: MANIFEST_TYP, maxBytes: MAX_MANIFEST_CHARACTERS }
  let payload: Record<string, unknown>
  try {
    payload = (await verifyCompactJws(backend, key, fromUtf8(signed), expected)) as Record<string, unknown>
  } catch (error) {
    throw packetInvalid('signature of the manifest', error)
  }
  for (const [name, value] of Object.entries(boundMembers(header, enc))) {
    if (payload?.[name] !== value) throw packetInvalid(`manifest: ${name}`)
  }
  const { process, source, schemaVersion, createdOn, subPackets } = payload
  const isWhole =
    typeof process === 'string' &&
    typeof source === 'string' &&
    typeof schemaVersion === 'number' &&
    typeof createdOn === 'string' &&
    Array.isArray(subPackets)
  if (!isWhole) throw packetInvalid('manifest')
  return { process, source, schemaVersion, createdOn, subPackets: readEntries(subPackets) }
}

function readEntries(entries: readonly unknown[]): readonly ManifestEntry[] {
  const read = entries.map((entry): ManifestEntry => {
    const { name, bytes, sha256 } = (entry ?? {}) as Partial<ManifestEntry>
    const isSize = Number.isSafeInteger(bytes) && bytes! > 0 && bytes! <= MAX_UNPACKED_BYTES
    if (!SUB_PACKETS.includes(name!) || !isSize || typeof sha256 !== 'string') {
      throw packetInvalid('manifest: subPackets')
    }
    return { name: name!, bytes: bytes!, sha256 }
  })
  const inOrder = SUB_PACKETS.filter((name) => read.some((entry) => entry.name === name))
  if (read[0]?.name !== 'id' || read.map(({ name }) => name).join() !== inOrder.join()) {
    throw packetInvalid('manifest: subPackets')
  }
  return read
}
