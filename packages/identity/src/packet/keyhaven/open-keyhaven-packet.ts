import {
  type Awaitable,
  type CryptoBackend,
  equalConstantTime,
  fromBase64url,
  type KemPrivateKey,
  KeyhavenError,
  openFailed,
  overwrite,
  type RecipientContext,
  type VerifyKey,
} from '@keyhaven/crypto'
import { decryptFile, encryptedFileBytes, FILE_KEY_BYTES } from '@keyhaven/crypto/file-stream'
import { requireSchema } from '../id-schema.ts'
import { requireSameOrigin } from '../meta-info.ts'
import { mergeSubPackets, type OpenedPacket, type OpenPacketOptions, schemaOf } from '../open-packet.ts'
import { subPacketLabel } from '../packet-container.ts'
import { checked, packetInvalid } from '../packet-invalid.ts'
import { MAX_PACKET_BYTES } from '../packet-layer.ts'
import { checkHashes, readContents, type SubPacketContents } from '../sub-packet-contents.ts'
import { unpackFiles } from '../zip-files.ts'
import {
  decodePacketFront,
  PACKET_SUITE,
  type PacketFront,
  type PacketHeader,
  packetInfo,
  subPacketContext,
} from './packet-header.ts'
import { type ManifestEntry, verifyManifest } from './packet-manifest.ts'

const CHECKS_OF_A_SUB_PACKET = 3
const NO_AAD = new Uint8Array(0)

export interface OpenKeyhavenPacketOptions
  extends Pick<OpenPacketOptions, 'expected' | 'schema' | 'onProgress'> {
  readonly privateKey: KemPrivateKey
  /** The key that a machine signs with; undefined: no such machine is registered. */
  machineVerifyKey(refId: string): Awaitable<VerifyKey | undefined>
}

/**
 * Opens a packet of the profile `keyhaven` and checks everything in it.
 *
 * @throws KeyhavenError `OPEN_FAILED`, `PACKET_INVALID`, as `openPacket`.
 */
export async function openKeyhavenPacket(
  backend: CryptoBackend,
  bytes: Uint8Array,
  options: OpenKeyhavenPacketOptions,
): Promise<OpenedPacket> {
  if (bytes.length > MAX_PACKET_BYTES) throw packetInvalid('size of the container')
  const front = readFront(bytes)
  const { header, enc } = front
  const { rid = header.rid, refId = header.refId } = options.expected ?? {}
  if (header.rid !== rid) throw packetInvalid('registration id')
  if (header.refId !== refId) throw packetInvalid('reference id')
  const verifyKey = await options.machineVerifyKey(refId)
  if (verifyKey === undefined) throw packetInvalid('machine: it is not registered')
  const recipient = await backend.hpke.setupRecipient(
    PACKET_SUITE,
    options.privateKey,
    enc,
    packetInfo(header),
  )
  const signed = await recipient.open(front.manifest, NO_AAD)
  const manifest = await verifyManifest(backend, verifyKey, header, enc, signed)
  const schema = await schemaOf(options, manifest.schemaVersion)
  const total = manifest.subPackets.length * CHECKS_OF_A_SUB_PACKET + 1
  let done = 0
  const report = (step: string): void => options.onProgress?.({ done: ++done, total, step })
  report('signature of the manifest')
  const subPackets: SubPacketContents[] = []
  let at = 0
  for (const entry of manifest.subPackets) {
    const end = at + encryptedFileBytes(entry.bytes)
    const zip = await openSubPacket(backend, recipient, header, entry, front.files.subarray(at, end))
    at = end
    const label = subPacketLabel(entry.name)
    report(`encryption of the ${label}`)
    const files = unpackFiles(zip, label)
    const meta = await checkHashes(entry.name, files)
    requireSameOrigin(meta, rid, refId, label)
    report(`hashes of the ${label}`)
    subPackets.push(readContents(entry.name, files, meta, schema))
    report(`contents of the ${label}`)
  }
  if (at !== front.files.length) throw openFailed()
  const { process, source, schemaVersion, createdOn } = manifest
  const merged = mergeSubPackets(subPackets)
  if (schema !== undefined) requireSchema(schema, process, merged.identity)
  return {
    profile: 'keyhaven',
    rid,
    refId,
    process,
    source,
    schemaVersion,
    createdOn,
    ...merged,
  }
}

/** What is not even the beginning of a packet fails as what does not open. */
function readFront(bytes: Uint8Array): PacketFront {
  try {
    const front = decodePacketFront(bytes)
    if (front) return front
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
  }
  throw openFailed()
}

async function openSubPacket(
  backend: CryptoBackend,
  recipient: RecipientContext,
  header: PacketHeader,
  { name, bytes, sha256 }: ManifestEntry,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const context = subPacketContext(header, name)
  const key = await recipient.export(context, FILE_KEY_BYTES)
  const zip = new Uint8Array(bytes)
  let at = 0
  try {
    for await (const piece of decryptFile([sealed], { key, context })) {
      if (at + piece.length > zip.length) throw openFailed()
      zip.set(piece, at)
      at += piece.length
    }
  } finally {
    overwrite(key)
  }
  if (at !== zip.length) throw openFailed()
  const check = `hash of the ${subPacketLabel(name)}`
  const hash = checked(check, () => fromBase64url(sha256))
  if (!equalConstantTime(hash, await backend.sha256(zip))) throw packetInvalid(check)
  return zip
}
