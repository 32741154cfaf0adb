import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { OpenedPacket, PacketProgress } from '@keyhaven/identity'
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { readFileOf, readSchema } from './packet-inputs.ts'
import { readOpener } from './packet-key-files.ts'

/** What opens a packet. */
export interface OpeningOptions {
  key?: string
  certificate?: string
  machineKey?: string
  schema?: string
  schemaVersion: string
}

export function withOpeningOptions(command: Command): Command {
  return command
    .option('--key <file>', 'private key that it was encrypted for, PKCS#8')
    .option('--certificate <file>', 'its certificate')
    .option('--machine-key <file>', 'public key of the machine, as reg.pub')
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
  const { key, certificate, machineKey, schema } = options
  if (key === undefined || certificate === undefined || machineKey === undefined) {
    throw usageError(
      'the keys are missing',
      'Give --key and --certificate of the centre, and --machine-key of the machine.',
    )
  }
  const { backend } = await import('@keyhaven/crypto')
  const { openPacket, parsePacketFileName } = await import('@keyhaven/identity')
  const opener = await readOpener(context, key, certificate)
  const publicKey = await backend.rsa.importPublicKey(
    new Uint8Array(await readFile(resolve(context.cwd, machineKey))),
  )
  const name = /^\d{29}-/.test(basename(file)) ? parsePacketFileName(basename(file)) : undefined
  return openPacket(backend, bytes, {
    opener,
    machinePublicKey: () => publicKey,
    expected: { rid: name?.id, refId: name?.refId },
    schema:
      schema === undefined ? undefined : await readSchema(context, schema, Number(options.schemaVersion)),
    onProgress,
  })
}
