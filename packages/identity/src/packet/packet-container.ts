import { SUB_PACKETS, type SubPacketName } from './id-schema.ts'
import { packetInvalid } from './packet-invalid.ts'
import { parseSideFile, type SideFile } from './side-file.ts'

/** `SOURCE/PROCESS/<anything>_<sub-packet>.zip` or `.json`. */
const ENTRY =
  /^([A-Z0-9_]{1,64})\/([A-Z0-9_]{1,64})\/([A-Za-z0-9_]{1,128}_(id|evidence|optional))\.(zip|json)$/

/** A sub-packet as it lies in the container. */
export interface ContainedSubPacket {
  readonly name: SubPacketName
  readonly sealed: Uint8Array
  readonly side: SideFile
}

/** The name of a sub-packet in messages. */
export function subPacketLabel(name: SubPacketName): string {
  return `sub-packet ${name}`
}

/**
 * Finds the sub-packets of a container with their side files, by the ends of the names: what stands before them
 * differs between versions of MOSIP.
 *
 * @throws KeyhavenError `PACKET_INVALID` on a file that does not belong there, a missing half, or side files that
 * disagree about registration, station, process, source or schema.
 */
export function readContainer(files: ReadonlyMap<string, Uint8Array>): readonly ContainedSubPacket[] {
  const found = new Map<SubPacketName, { path: string; zip?: Uint8Array; json?: Uint8Array }>()
  for (const [path, bytes] of files) {
    const match = ENTRY.exec(path)
    if (match === null) throw packetInvalid('files of the container')
    const [base, name] = [path.slice(0, path.lastIndexOf('.')), match[4] as SubPacketName]
    const pair = found.get(name) ?? { path: base }
    if (pair.path !== base) throw packetInvalid(`files of the ${subPacketLabel(name)}`)
    found.set(name, { ...pair, [match[5]!]: bytes })
  }
  const contained = SUB_PACKETS.flatMap((name): ContainedSubPacket[] => {
    const pair = found.get(name)
    if (pair === undefined) return []
    const label = subPacketLabel(name)
    if (pair.zip === undefined || pair.json === undefined) throw packetInvalid(`files of the ${label}`)
    const side = parseSideFile(pair.json, label)
    requireNames(side, pair.path, name)
    return [{ name, sealed: pair.zip, side }]
  })
  requireOnePacket(contained)
  return contained
}

/** The side file names the file that it lies beside, in one of the two ways that are in use. */
function requireNames(side: SideFile, path: string, name: SubPacketName): void {
  const [source, process, file] = path.split('/') as [string, string, string]
  const named = [side.packetName, `${side.id}_${side.packetName}`]
  const fits = named.includes(file) && side.packetName.endsWith(`_${name}`)
  if (!fits || side.source !== source || side.process !== process) {
    throw packetInvalid(`name of the ${subPacketLabel(name)}`)
  }
}

function requireOnePacket(contained: readonly ContainedSubPacket[]): void {
  const [first, ...others] = contained
  if (first?.name !== 'id') throw packetInvalid('files of the sub-packet id')
  for (const { name, side } of others) {
    for (const key of ['id', 'refId', 'process', 'source', 'schemaVersion'] as const) {
      if (side[key] !== first.side[key])
        throw packetInvalid(`side file of the ${subPacketLabel(name)}: ${key}`)
    }
  }
}
