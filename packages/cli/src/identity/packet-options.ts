import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { OpenedPacket, PacketProgress } from '@keyhaven/identity'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { readFileOf, readSchema } from './packet-inputs.ts'
import { readOpener } from './packet-key-files.ts'
import { readPacketKey, readVerifyKey } from './packet-keyhaven-keys.ts'
import { type ProfileOption, requireOptions, withProfile } from './packet-profile.ts'

/** What opens a packet. */
export interface OpeningOptions extends ProfileOption {
  key?: string
  certificate?: string
  machineKey?: string
  schema?: string
  schemaVersion: string
}

export function withOpeningOptions(command: Command): Command {
  return withProfile(command)
    .option(
      '--key <file>',
      'private key that it was encrypted for: PKCS#8; profile keyhaven: X-Wing, Base64url',
    )
    .option('--certificate <file>', 'its certificate; profile mosip')
    .option(
      '--machine-key <file>',
      'public key of the machine, as reg.pub; profile keyhaven: PEM, DER or JWK',
    )
    .option('--schema <file>', 'ID schema: checks too which sub-packet each field lies in')
    .option('--schema-version <number>', 'version of the schema', '0.1')
}

export async function readPacket(context: Context, file: string): Promise<Uint8Array> {
  return readFileOf(resolve(context.cwd, file), file)
}

/**
 * Opens a packet with the files that were named; a file name in MOSIP's form must be that of the packet.
 *
 * @throws KeyhavenError `OPEN_FAILED`, `PACKET_INVALID`
 */
export async function openWith(
  context: Context,
  { file, bytes }: { readonly file: string; readonly bytes: Uint8Array },
  options: OpeningOptions,
  onProgress?: (progress: PacketProgress) => void,
): Promise<OpenedPacket> {
  const { profile, schema } = options
  const { key, certificate, machineKey } = options
  const given = { key, certificate, machineKey }
  const { backend } = await import('@keyhaven/crypto')
  const { openKeyhavenPacket, openPacket, parsePacketFileName } = await import('@keyhaven/identity')
  const name = /^\d{29}-/.test(basename(file)) ? parsePacketFileName(basename(file)) : undefined
  const common = {
    expected: { rid: name?.id, refId: name?.refId },
    schema:
      schema === undefined ? undefined : await readSchema(context, schema, Number(options.schemaVersion)),
    onProgress,
  }
  if (profile === 'keyhaven') {
    requireOptions(profile, given, { needed: ['key', 'machineKey'], foreign: ['certificate'] })
    const privateKey = await readPacketKey(context, given.key)
    const verifyKey = await readVerifyKey(context, given.machineKey)
    return openKeyhavenPacket(backend, bytes, { ...common, privateKey, machineVerifyKey: () => verifyKey })
  }
  requireOptions(profile, given, { needed: ['key', 'certificate', 'machineKey'], foreign: [] })
  const opener = await readOpener(context, given.key, given.certificate)
  const publicKey = await backend.rsa.importPublicKey(
    new Uint8Array(await readFile(resolve(context.cwd, given.machineKey))),
  )
  return openPacket(backend, bytes, { ...common, opener, machinePublicKey: () => publicKey })
}
