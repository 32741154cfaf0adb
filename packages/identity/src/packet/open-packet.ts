import { type Awaitable, type CryptoBackend, equalConstantTime, type RsaPublicKey } from '@keyhaven/crypto'
import type { CbeffRecord } from '../biometrics/bir.ts'
import { fromAnyBase64 } from '../mosip/base64.ts'
import type { SessionKeyOpener } from '../mosip/session-key.ts'
import type { Profile } from '../profile.ts'
import { type IdSchema, requireSchema } from './id-schema.ts'
import { requireSameOrigin } from './meta-info.ts'
import { type ContainedSubPacket, readContainer, subPacketLabel } from './packet-container.ts'
import type { PacketDocument, PacketProgress } from './packet-input.ts'
import { checked, packetInvalid } from './packet-invalid.ts'
import { openPacketLayer } from './packet-layer.ts'
import { checkHashes, readContents, type SubPacketContents } from './sub-packet-contents.ts'
import { unpackFiles } from './zip-files.ts'

/** Hash, encryption, signature, hashes of the files, contents. */
const CHECKS_OF_A_SUB_PACKET = 5

export interface OpenPacketOptions {
  /** Holds K11. */
  readonly opener: SessionKeyOpener
  /** K10 of a station, `centre_machine`; undefined: no such machine is registered. */
  machinePublicKey(refId: string): Awaitable<RsaPublicKey | undefined>
  /** What the packet was announced as, by its file name or its address. */
  readonly expected?: { readonly rid?: string | undefined; readonly refId?: string | undefined } | undefined
  /** The schema of the registration, or whoever knows it by its version; without it fields are not checked. */
  readonly schema?: IdSchema | ((version: number) => Awaitable<IdSchema | undefined>) | undefined
  /** Called after each check that passed. */
  readonly onProgress?: ((progress: PacketProgress) => void) | undefined
}

/** A packet that was found right in all its parts. */
export interface OpenedPacket {
  readonly profile: Profile
  readonly rid: string
  readonly refId: string
  readonly process: string
  readonly source: string
  readonly schemaVersion: number
  /** ISO 8601, as the machine wrote it. */
  readonly createdOn: string
  /** The fields of all sub-packets; those of documents and biometrics refer to the two maps below. */
  readonly identity: Readonly<Record<string, unknown>>
  readonly documents: ReadonlyMap<string, PacketDocument>
  readonly biometrics: ReadonlyMap<string, CbeffRecord>
  readonly officerBiometrics: CbeffRecord | undefined
  readonly supervisorBiometrics: CbeffRecord | undefined
  readonly audits: readonly unknown[]
  /** `identity` of the meta information of the sub-packet id. */
  readonly meta: Readonly<Record<string, unknown>>
  readonly subPackets: readonly SubPacketContents[]
}

/**
 * Opens a packet of MOSIP 1.2 and checks everything in it: both layers of encryption, the machine's signature
 * of each sub-packet, the hashes, that all parts are of one registration, station and schema.
 *
 * @throws KeyhavenError `OPEN_FAILED` if a layer does not open, whatever the reason; `PACKET_INVALID`, whose
 * message names the check that failed; what the two ports throw.
 */
export async function openPacket(
  backend: CryptoBackend,
  bytes: Uint8Array,
  options: OpenPacketOptions,
): Promise<OpenedPacket> {
  const zip = await openLayer(backend, options, bytes, 'container')
  const contained = readContainer(unpackFiles(zip, 'container'))
  const { side } = contained[0]!
  const { rid = side.id, refId = side.refId } = options.expected ?? {}
  if (side.id !== rid) throw packetInvalid('registration id')
  if (side.refId !== refId) throw packetInvalid('reference id')
  const publicKey = await options.machinePublicKey(refId)
  if (publicKey === undefined) throw packetInvalid('machine: it is not registered')
  const schema = await schemaOf(options, side.schemaVersion)
  const total = contained.length * CHECKS_OF_A_SUB_PACKET + 1
  let done = 0
  const report = (step: string): void => options.onProgress?.({ done: ++done, total, step })
  report('container')
  const subPackets: SubPacketContents[] = []
  for (const part of contained) {
    const files = await openSubPacket(backend, part, publicKey, options, report)
    const label = subPacketLabel(part.name)
    const meta = await checkHashes(part.name, files)
    requireSameOrigin(meta, rid, refId, label)
    report(`hashes of the ${label}`)
    subPackets.push(readContents(part.name, files, meta, schema))
    report(`contents of the ${label}`)
  }
  const merged = mergeSubPackets(subPackets)
  if (schema !== undefined) requireSchema(schema, side.process, merged.identity)
  return {
    profile: 'mosip',
    rid,
    refId,
    process: side.process,
    source: side.source,
    schemaVersion: side.schemaVersion,
    createdOn: side.creationDate,
    ...merged,
  }
}

/** The schema that a packet says it follows. */
export async function schemaOf(
  { schema }: Pick<OpenPacketOptions, 'schema'>,
  version: number,
): Promise<IdSchema | undefined> {
  return typeof schema === 'function' ? schema(version) : schema
}

async function openSubPacket(
  backend: CryptoBackend,
  { name, sealed, side }: ContainedSubPacket,
  publicKey: RsaPublicKey,
  options: OpenPacketOptions,
  report: (step: string) => void,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const label = subPacketLabel(name)
  const decode = (text: string, check: string): Uint8Array => checked(check, () => fromAnyBase64(text))
  const hash = decode(side.encryptedHash, `encrypted hash of the ${label}`)
  if (!equalConstantTime(hash, await backend.sha256(sealed)))
    throw packetInvalid(`encrypted hash of the ${label}`)
  report(`encrypted hash of the ${label}`)
  const zip = await openLayer(backend, options, sealed, label)
  report(`encryption of the ${label}`)
  const signature = decode(side.signature, `signature of the ${label}`)
  if (!(await backend.rsa.verifyPkcs1(publicKey, signature, zip)))
    throw packetInvalid(`signature of the ${label}`)
  report(`signature of the ${label}`)
  return unpackFiles(zip, label)
}

async function openLayer(
  backend: CryptoBackend,
  { opener }: OpenPacketOptions,
  bytes: Uint8Array,
  label: string,
): Promise<Uint8Array> {
  try {
    return await openPacketLayer(backend, opener, bytes)
  } catch (error) {
    return checked(`size of the ${label}`, () => {
      throw error
    })
  }
}

type Merged = Pick<
  OpenedPacket,
  | 'identity'
  | 'documents'
  | 'biometrics'
  | 'officerBiometrics'
  | 'supervisorBiometrics'
  | 'audits'
  | 'meta'
  | 'subPackets'
>

/**
 * Puts the sub-packets together again.
 *
 * @throws KeyhavenError `PACKET_INVALID` if they say different things of one field.
 */
export function mergeSubPackets(subPackets: readonly SubPacketContents[]): Merged {
  const fields = new Map<string, unknown>()
  for (const { identity } of subPackets) {
    for (const [name, value] of Object.entries(identity)) {
      if (fields.has(name) && JSON.stringify(fields.get(name)) !== JSON.stringify(value)) {
        throw packetInvalid('fields: two sub-packets disagree')
      }
      fields.set(name, value)
    }
  }
  const first = subPackets[0]!
  return {
    identity: Object.fromEntries(fields),
    documents: new Map(subPackets.flatMap(({ documents }) => [...documents])),
    biometrics: new Map(subPackets.flatMap(({ biometrics }) => [...biometrics])),
    officerBiometrics: first.officerBiometrics,
    supervisorBiometrics: first.supervisorBiometrics,
    audits: first.audits,
    meta: first.meta.identity,
    subPackets,
  }
}
