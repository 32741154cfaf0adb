import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { PacketInput, PacketProgress, Station } from '@keyhaven/identity'
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseWhole } from '../input/parse-time.ts'
import { PRIVATE_FILE_MODE } from '../input/write-file.ts'
import { fields } from '../terminal/output.ts'
import { createProgress } from '../terminal/progress.ts'
import { readBiometrics, readData, readDocuments, readSchema } from './packet-inputs.ts'
import { readCertificate, readMachineKey } from './packet-key-files.ts'
import { readSigningKey, readStationKey } from './packet-keyhaven-keys.ts'
import { type ProfileOption, requireOptions, withProfile } from './packet-profile.ts'

const STATION = /^(\d{5})_(\d{5})$/
const MAX_SEQUENCE = 99_999

interface Options extends ProfileOption {
  schema?: string
  schemaVersion: string
  data?: string
  documents?: string
  biometrics?: string
  simulate?: string
  machineKeyDir?: string
  certificate?: string
  machineKey?: string
  stationKeys?: string
  station: string
  officer: string
  process: string
  sequence: string
  out: string
}

/** `keyhaven packet build`: a packet of a person, or of one who is made up. */
export function packetBuildCommand(frame: Frame, packet: Command): void {
  const build = describe(
    packet.command('build'),
    'build a registration packet: signed by a machine, encrypted for its centre',
    [
      [
        'keyhaven packet build --simulate person-1 --station 10001_10077 --officer 110125 ' +
          '--machine-key-dir .mosipkeys --certificate centre.pem',
        'A person who is made up',
      ],
      [
        'keyhaven packet build --schema schema.json --data person.json --documents docs --biometrics bio ' +
          '--station 10001_10077 --officer 110125 --machine-key-dir .mosipkeys --certificate centre.pem',
        'A person whose data lie in files',
      ],
      [
        'keyhaven packet build --profile keyhaven --simulate person-1 --station 10001_10077 --officer 110125 ' +
          '--machine-key machine.pem --station-keys station.json',
        'Of the other profile',
      ],
    ],
  )
  withProfile(build)
    .option('--simulate <seed>', 'make up a person; the same seed makes the same one')
    .option('--schema <file>', 'ID schema, JSON')
    .option('--schema-version <number>', 'version of the schema', '0.1')
    .option('--data <file>', 'demographic fields, JSON: field to value; - is stdin')
    .option('--documents <folder>', 'FIELD.FORMAT for each document, and documents.json with their types')
    .option('--biometrics <folder>', 'FIELD.xml for each biometric field, CBEFF')
    .requiredOption('--station <centre_machine>', 'such as 10001_10077')
    .requiredOption('--officer <id>', 'registration officer who answers for it')
    .option('--machine-key-dir <folder>', 'with reg.key and reg.pub, as .mosipkeys; profile mosip')
    .option(
      '--certificate <file>',
      'of the key that packets of this station are encrypted for; profile mosip',
    )
    .option('--machine-key <file>', 'private key of the machine, PEM, DER or JWK; profile keyhaven')
    .option('--station-keys <file>', 'as GET /v1/identity/machines/CENTRE_MACHINE answers; profile keyhaven')
    .option('--out <folder>', 'where the packet is written', '.')
    .option('--process <name>', 'NEW, UPDATE, LOST', 'NEW')
    .option('--sequence <number>', 'another for each packet of one second', '0')
    .addHelpText(
      'after',
      '\nThis is a tool for tests and integration: it takes your word for who the officer is and for the\n' +
        'biometrics. An app that registers people uses createRegistrationClient, which checks both.',
    )
    .action(
      action<Options>(frame, async ({ context, output, options }) => {
        const input = await readPacketInput(context, options)
        const make = await makerOf(context, options)
        const progress = createProgress(context, 'build', output.json)
        const onProgress = ({ done, total }: PacketProgress) => progress.update(done, total)
        const built = await make(input, { at: context.now(), onProgress }).finally(() => progress.finish())
        const file = join(resolve(context.cwd, options.out), built.fileName)
        await createFile(file, built.bytes)
        const made = { file, rid: input.rid, refId: input.refId, bytes: built.bytes.length }
        output.result(made, () =>
          fields([
            ['packet', file],
            ['registration', made.rid],
            ['station', made.refId],
            ['bytes', made.bytes],
          ]),
        )
        return undefined
      }),
    )
}

type MakePacket = (
  input: PacketInput,
  options: { readonly at: number; readonly onProgress: (progress: PacketProgress) => void },
) => Promise<{ readonly fileName: string; readonly bytes: Uint8Array }>

/** With the keys of the profile. */
async function makerOf(context: Context, options: Options): Promise<MakePacket> {
  const { backend } = await import('@keyhaven/crypto')
  const { buildKeyhavenPacket, buildPacket } = await import('@keyhaven/identity')
  const { profile, machineKeyDir, certificate, machineKey, stationKeys } = options
  const given = { machineKeyDir, certificate, machineKey, stationKeys }
  const [ofMosip, ofKeyhaven] = [
    ['machineKeyDir', 'certificate'] as const,
    ['machineKey', 'stationKeys'] as const,
  ]
  if (profile === 'keyhaven') {
    requireOptions(profile, given, { needed: ofKeyhaven, foreign: ofMosip })
    const signer = await readSigningKey(context, given.machineKey)
    const recipient = await readStationKey(context, given.stationKeys)
    return async (input, making) => {
      const { fileName, stream } = await buildKeyhavenPacket(backend, input, { signer, recipient }, making)
      const pieces: Uint8Array[] = []
      for await (const piece of stream) pieces.push(piece)
      return { fileName, bytes: Buffer.concat(pieces) }
    }
  }
  requireOptions(profile, given, { needed: ofMosip, foreign: ofKeyhaven })
  const { thumbprint, publicKey } = await readCertificate(context, given.certificate)
  const keys = {
    machineKey: await readMachineKey(context, given.machineKeyDir),
    recipient: { thumbprint, publicKey },
  }
  return (input, making) => buildPacket(backend, input, keys, making)
}

async function readPacketInput(context: Context, options: Options): Promise<PacketInput> {
  const { createRid, refIdOf } = await import('@keyhaven/identity')
  const station = parseStation(options.station)
  const sequence = parseWhole('--sequence', options.sequence, 0, MAX_SEQUENCE)
  const at = context.now()
  if (options.simulate !== undefined) {
    if (options.schema ?? options.data ?? options.documents ?? options.biometrics) {
      throw usageError(
        '--simulate makes up the whole person',
        'Leave --schema, --data, --documents and --biometrics out, or --simulate.',
      )
    }
    const { simulatedRegistration } = await import('@keyhaven/identity/simulator')
    const officerId = options.officer
    const { input } = simulatedRegistration(options.simulate, { station, sequence, at, officerId })
    return { ...input, process: options.process }
  }
  if (options.schema === undefined || options.data === undefined) {
    throw usageError('no person is given', 'Give --schema and --data, or --simulate SEED.')
  }
  const createdAt = new Date(at).toISOString()
  return {
    schema: await readSchema(context, options.schema, Number(options.schemaVersion)),
    rid: createRid(station, sequence, at),
    refId: refIdOf(station),
    process: options.process,
    fields: await readData(context, options.data),
    documents: options.documents === undefined ? new Map() : await readDocuments(context, options.documents),
    biometrics:
      options.biometrics === undefined ? new Map() : await readBiometrics(context, options.biometrics),
    audits: [{ eventId: 'REG-CLI', eventName: 'PACKET_BUILT', createdAt, createdBy: options.officer }],
    operations: { officerId: options.officer, officerBiometricFileName: null, supervisorId: null },
  }
}

function parseStation(text: string): Station {
  const match = STATION.exec(text)
  if (match === null) {
    throw usageError(
      `--station: "${text}" is not a station`,
      'Write it like 10001_10077: centre and machine.',
    )
  }
  return { centreId: match[1]!, machineId: match[2]! }
}

/** Personal data, though encrypted: for its owner only, and never over another file. */
async function createFile(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', PRIVATE_FILE_MODE)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
