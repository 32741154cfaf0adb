import {
  type CryptoBackend,
  type KemPublicKey,
  overwrite,
  type SenderContext,
  type SigningKey,
  toBase64url,
  Writer,
} from '@keyhaven/crypto'
import { encryptedFileBytes, encryptFile, FILE_KEY_BYTES } from '@keyhaven/crypto/file-stream'
import { type BuildOptions, PACKET_SOURCE } from '../build-packet.ts'
import type { SubPacketName } from '../id-schema.ts'
import { metaInfoOf } from '../meta-info.ts'
import { type PacketInput, requirePacketInput } from '../packet-input.ts'
import { packetFileName } from '../registration-id.ts'
import { subPacketFiles, subPacketsOf } from '../sub-packet-files.ts'
import { packFiles } from '../zip-files.ts'
import {
  encodePacketHeader,
  PACKET_SUITE,
  type PacketHeader,
  packetInfo,
  subPacketContext,
} from './packet-header.ts'
import { type ManifestEntry, signManifest } from './packet-manifest.ts'

/** Packed, encrypted. */
const STEPS_OF_A_SUB_PACKET = 2
const NO_AAD = new Uint8Array(0)

export interface KeyhavenPacketKeys {
  /** The machine's key: EdDSA or PS256. */
  readonly signer: SigningKey
  /** X-Wing key of the centre and machine. */
  readonly recipient: KemPublicKey
}

/** A packet whose bytes come as they are taken. */
export interface PacketStream {
  readonly fileName: string
  /** Size of the whole packet. */
  readonly size: number
  /** Once. */
  readonly stream: AsyncGenerator<Uint8Array, void, void>
}

/**
 * Builds a packet of the profile `keyhaven`: the same sub-packets, each encrypted as a stream (Cobblestone-256)
 * under a key of its own that HPKE with X-Wing exports, and one manifest that the machine signs.
 *
 * @throws KeyhavenError `INPUT_INVALID` if the input does not fit its schema.
 */
export async function buildKeyhavenPacket(
  backend: CryptoBackend,
  input: PacketInput,
  { signer, recipient }: KeyhavenPacketKeys,
  { at, onProgress }: BuildOptions,
): Promise<PacketStream> {
  requirePacketInput(input)
  const createdOn = new Date(at).toISOString()
  const meta = metaInfoOf(input, createdOn)
  const names = subPacketsOf(input.schema.fields)
  const total = names.length * STEPS_OF_A_SUB_PACKET + 1
  let done = 0
  const report = (step: string): void => onProgress?.({ done: ++done, total, step })
  const zips = new Map<SubPacketName, Uint8Array>()
  const subPackets: ManifestEntry[] = []
  for (const name of names) {
    const zip = packFiles(await subPacketFiles(name, input, meta))
    zips.set(name, zip)
    subPackets.push({ name, bytes: zip.length, sha256: toBase64url(await backend.sha256(zip)) })
    report(`packed the sub-packet ${name}`)
  }
  const header: PacketHeader = {
    rid: input.rid,
    refId: input.refId,
    recipient: await backend.sha256(recipient.bytes),
  }
  const sender = await backend.hpke.setupSender(PACKET_SUITE, recipient, packetInfo(header))
  const manifest = await signManifest(backend, signer, header, sender.enc, {
    process: input.process,
    source: PACKET_SOURCE,
    schemaVersion: input.schema.version,
    createdOn,
    subPackets,
  })
  const sealed = await sender.seal(manifest, NO_AAD)
  const front = new Writer().bytes(encodePacketHeader(header)).bytes(sender.enc).bytesVarint(sealed).done()
  report('signed the manifest')
  return {
    fileName: packetFileName(input.rid, input.refId, at),
    size: front.length + subPackets.reduce((sum, { bytes }) => sum + encryptedFileBytes(bytes), 0),
    stream: streamOf(sender, header, front, zips, report),
  }
}

async function* streamOf(
  sender: SenderContext,
  header: PacketHeader,
  front: Uint8Array,
  zips: Map<SubPacketName, Uint8Array>,
  report: (step: string) => void,
): AsyncGenerator<Uint8Array, void, void> {
  yield front
  for (const [name, zip] of zips) {
    const context = subPacketContext(header, name)
    const key = await sender.export(context, FILE_KEY_BYTES)
    try {
      yield* encryptFile([zip], { key, context })
    } finally {
      overwrite(key)
    }
    report(`encrypted the sub-packet ${name}`)
  }
}
