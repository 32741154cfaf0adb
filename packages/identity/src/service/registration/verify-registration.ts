import { KeyhavenError } from '@keyhaven/crypto'
import { NEW_REGISTRATION } from '../../packet/id-schema.ts'
import { labelledValues } from '../../packet/meta-info.ts'
import type { OpenedPacket } from '../../packet/open-packet.ts'
import { packetInvalid } from '../../packet/packet-invalid.ts'
import { refIdOfRid } from '../../packet/registration-id.ts'
import type { PacketOpener } from './packet-opener.ts'
import type { OperatorDirectory, StationDirectory, StoredRegistration } from './ports.ts'

/** How far the clock of a registration client may be ahead of ours. */
export const MACHINE_CLOCK_SKEW_MS = 300_000
/** How long a packet may be under way after its officer has ended: its date is the machine's word. */
const OFFLINE_DAYS = 30
const MS_PER_DAY = 86_400_000
/** MOSIP's processes that are worked on: somebody's first, other data of somebody, a number that was lost. */
export const REGISTRATION_PROCESSES = [NEW_REGISTRATION, 'UPDATE', 'LOST'] as const
export type RegistrationProcess = (typeof REGISTRATION_PROCESSES)[number]

export interface VerifyParts {
  readonly opener: PacketOpener
  readonly stations: StationDirectory
  readonly operators: OperatorDirectory
}

export interface VerifiedPacket {
  readonly packet: OpenedPacket
  readonly process: RegistrationProcess
  readonly officer: string
}

/**
 * Opens a packet in memory and checks it: encryption, hashes, the machine's signature, that it is what its name
 * says, and its number one of this machine's; that machine and centre were in use when it was made and are now;
 * that whoever made it was a registration officer then.
 *
 * @throws KeyhavenError `OPEN_FAILED`, `PACKET_INVALID` with the check that failed.
 */
export async function verifyRegistration(
  parts: VerifyParts,
  registration: StoredRegistration,
  bytes: Uint8Array,
): Promise<VerifiedPacket> {
  const { rid, refId, receivedAt } = registration
  // Else any machine could take the numbers of another, which then cannot bring its own packets.
  if (refIdOfRid(rid) !== refId) throw packetInvalid('registration id: of another station')
  const station = await parts.stations.find(refId)
  const packet = await parts.opener.open(registration, bytes)
  const process = REGISTRATION_PROCESSES.find((one) => one === packet.process)
  if (process === undefined) throw packetInvalid(`process ${packet.process}`)
  const madeAt = creationOf(packet)
  if (!(madeAt <= receivedAt + MACHINE_CLOCK_SKEW_MS)) throw packetInvalid('date: it is ahead of ours')
  const { since, until } = station!
  if (madeAt + MACHINE_CLOCK_SKEW_MS < since) throw packetInvalid('machine: it was not registered then')
  if (until !== null) throw packetInvalid('machine: it or its centre is not in use any more')
  const officer = labelledValues(packet.meta.operationsData).get('officerId')
  if (typeof officer !== 'string' || officer === '') throw packetInvalid('operator: there is none')
  for (const at of [madeAt, Math.max(madeAt, receivedAt - OFFLINE_DAYS * MS_PER_DAY)]) {
    if (!(await parts.operators.isOfficer(officer, at))) {
      throw packetInvalid('operator: not a registration officer at that time')
    }
  }
  return { packet, process, officer }
}

/** The date inside what the machine signed. */
function creationOf({ meta }: OpenedPacket): number {
  const date = labelledValues(meta.metaData).get('creationDate') ?? meta.creationDate
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN
  if (Number.isNaN(at)) throw packetInvalid('date')
  return at
}

/** Refusals of a packet, which trying again does not change. */
export function isRefusal(error: unknown): error is KeyhavenError {
  return (
    error instanceof KeyhavenError &&
    ['PACKET_INVALID', 'OPEN_FAILED', 'WIRE_MALFORMED', 'WIRE_TOO_LARGE'].includes(error.code)
  )
}
