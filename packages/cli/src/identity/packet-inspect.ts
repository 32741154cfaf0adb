import { basename } from 'node:path'
import type { OpenedPacket } from '@keyhaven/identity'
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { type OpeningOptions, openWith, readPacket, withOpeningOptions } from './packet-options.ts'

interface Options extends OpeningOptions {
  show?: boolean
}

/** `keyhaven packet inspect`: what anybody sees of a packet, and what the holder of the key sees. */
export function packetInspectCommand(frame: Frame, packet: Command): void {
  const inspect = describe(
    packet.command('inspect'),
    'show what a packet is made of; what it says of a person only with --show',
    [
      ['keyhaven packet inspect PACKET.zip', 'Layer, size and whom it is encrypted for'],
      [
        'keyhaven packet inspect PACKET.zip --key k11.pem --certificate k11.crt --machine-key reg.pub',
        'Files, sizes and names of fields too',
      ],
    ],
  )
    .argument('<packet>', 'file of the packet')
    .option('--show', 'also show the values of the fields: personal data')
  withOpeningOptions(inspect).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const file = args[0]!
      const bytes = await readPacket(context, file)
      const outside = await describeOutside(file, bytes)
      const hasKey = options.key !== undefined
      if (options.show && !hasKey)
        throw usageError(
          '--show needs the key',
          'Give --key and --machine-key, in profile mosip --certificate too.',
        )
      const opened = hasKey ? await openWith(context, { file, bytes }, options) : undefined
      const inside = opened && describeInside(opened, options.show === true)
      output.result({ ...outside, ...inside }, () =>
        [
          fields([
            ['packet', basename(file)],
            ['profile', outside.profile],
            ['bytes', outside.bytes],
            ['layer', outside.layer],
            ['encrypted for', outside.recipient],
            ['registration', inside?.rid],
            ['station', inside?.refId],
            ['process', inside?.process],
            ['schema', inside?.schemaVersion],
            ['made at', inside?.createdOn],
          ]),
          ...(inside ? ['', filesTable(inside), '', fieldsTable(inside)] : []),
        ].join('\n'),
      )
      return undefined
    }),
  )
}

interface Outside {
  readonly file: string
  readonly bytes: number
  readonly profile: string
  readonly layer: string | undefined
  /** Hexadecimal thumbprint. */
  readonly recipient: string | undefined
}

const LAYERS = {
  mosip: 'nonce 12 | associated data 32 | thumbprint 32 | RSA-OAEP | AES-256-GCM',
  keyhaven: 'HPKE X-Wing | signed manifest | Cobblestone-256 files',
}

async function describeOutside(file: string, bytes: Uint8Array): Promise<Outside> {
  const { toHex } = await import('@keyhaven/crypto')
  const { inspectPacket } = await import('@keyhaven/identity')
  const outside = inspectPacket(bytes)
  return {
    file: basename(file),
    bytes: bytes.length,
    profile: outside?.profile ?? 'none: this is no packet',
    layer: outside && LAYERS[outside.profile],
    recipient: outside && toHex(outside.recipient),
  }
}

interface Inside {
  readonly rid: string
  readonly refId: string
  readonly process: string
  readonly schemaVersion: number
  readonly createdOn: string
  readonly files: ReadonlyArray<{ readonly subPacket: string; readonly name: string; readonly bytes: number }>
  readonly fields: ReadonlyArray<{
    readonly subPacket: string
    readonly name: string
    readonly value?: unknown
  }>
}

function describeInside(opened: OpenedPacket, show: boolean): Inside {
  const { rid, refId, process, schemaVersion, createdOn, subPackets } = opened
  return {
    rid,
    refId,
    process,
    schemaVersion,
    createdOn,
    files: subPackets.flatMap(({ name: subPacket, files }) => files.map((file) => ({ subPacket, ...file }))),
    fields: subPackets.flatMap(({ name: subPacket, identity }) =>
      Object.entries(identity).map(([name, value]) => ({ subPacket, name, ...(show && { value }) })),
    ),
  }
}

function filesTable({ files }: Inside): string {
  return table(
    [
      { heading: 'SUB-PACKET', cell: (file) => file.subPacket },
      { heading: 'FILE', cell: (file) => file.name },
      { heading: 'BYTES', cell: (file) => file.bytes, align: 'right' },
    ],
    files,
    'no files',
  )
}

function fieldsTable({ fields: rows }: Inside): string {
  const shown = rows.some((row) => 'value' in row)
  return table(
    [
      { heading: 'SUB-PACKET', cell: (row) => row.subPacket },
      { heading: 'FIELD', cell: (row) => row.name },
      ...(shown
        ? [{ heading: 'VALUE', cell: (row: Inside['fields'][number]) => JSON.stringify(row.value) }]
        : []),
    ],
    rows,
    'no fields',
  )
}
