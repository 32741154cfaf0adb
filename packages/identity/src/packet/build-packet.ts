import { type CryptoBackend, toBase64url } from '@keyhaven/crypto'
import type { Recipient } from '../mosip/session-key.ts'
import type { MachineKey } from './machine-key.ts'
import { metaInfoOf } from './meta-info.ts'
import { type PacketInput, type PacketProgress, requirePacketInput } from './packet-input.ts'
import { sealPacketLayer } from './packet-layer.ts'
import { packetFileName } from './registration-id.ts'
import { encodeSideFile } from './side-file.ts'
import { subPacketFiles, subPacketsOf } from './sub-packet-files.ts'
import { packFiles } from './zip-files.ts'

/** Where packets say they come from. */
export const PACKET_SOURCE = 'REGISTRATION_CLIENT'
/** Packed, signed and encrypted. */
const STEPS_OF_A_SUB_PACKET = 3

export interface PacketKeys {
  /** K10. */
  readonly machineKey: MachineKey
  /** K11: the certificate of `REGISTRATION / centre_machine`. */
  readonly recipient: Recipient
}

export interface BuildOptions {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly onProgress?: ((progress: PacketProgress) => void) | undefined
}

/** A packet that is ready to be uploaded. */
export interface BuiltPacket {
  readonly fileName: string
  readonly bytes: Uint8Array
}

/**
 * Builds a packet of MOSIP 1.2: each sub-packet a zip file, signed by the machine and encrypted for the centre;
 * all of them with their side files in one zip file, encrypted once more. Needs no network. One sub-packet
 * at a time is in memory beside the container.
 *
 * @throws KeyhavenError `INPUT_INVALID` if the input does not fit its schema; what the machine key throws.
 */
export async function buildPacket(
  backend: CryptoBackend,
  input: PacketInput,
  keys: PacketKeys,
  { at, onProgress }: BuildOptions,
): Promise<BuiltPacket> {
  requirePacketInput(input)
  const createdOn = new Date(at).toISOString()
  const meta = metaInfoOf(input, createdOn)
  const names = subPacketsOf(input.schema.fields)
  const total = names.length * STEPS_OF_A_SUB_PACKET + 1
  let done = 0
  const report = (step: string): void => onProgress?.({ done: ++done, total, step })
  const container = new Map<string, Uint8Array>()
  for (const name of names) {
    const zip = packFiles(await subPacketFiles(name, input, meta))
    report(`packed the sub-packet ${name}`)
    const signature = await keys.machineKey.sign(zip)
    report(`signed the sub-packet ${name}`)
    const sealed = await sealPacketLayer(backend, keys.recipient, zip)
    report(`encrypted the sub-packet ${name}`)
    const packetName = `${input.rid}_${name}`
    // MOSIP's packet keeper puts the id before a name that begins with it already.
    const path = `${PACKET_SOURCE}/${input.process}/${input.rid}_${packetName}`
    container.set(`${path}.zip`, sealed)
    const side = encodeSideFile({
      id: input.rid,
      packetName,
      source: PACKET_SOURCE,
      process: input.process,
      schemaVersion: input.schema.version,
      signature: toBase64url(signature),
      encryptedHash: toBase64url(await backend.sha256(sealed)),
      creationDate: createdOn,
      refId: input.refId,
    })
    container.set(`${path}.json`, side)
  }
  const bytes = await sealPacketLayer(backend, keys.recipient, packFiles(container))
  report('encrypted the container')
  return { fileName: packetFileName(input.rid, input.refId, at), bytes }
}
