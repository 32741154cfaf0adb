import { packetInvalid } from './packet-invalid.ts'

const CENTRE_DIGITS = 5
const MACHINE_DIGITS = 5
const SEQUENCE_DIGITS = 5
const MAX_SEQUENCE = 99_999
/** `yyyyMMddHHmmss`. */
const TIMESTAMP_DIGITS = 14
/** Digits of a registration id. */
export const RID_DIGITS = CENTRE_DIGITS + MACHINE_DIGITS + SEQUENCE_DIGITS + TIMESTAMP_DIGITS

const RID = new RegExp(`^\\d{${RID_DIGITS}}$`)
const REF_ID = /^[A-Za-z0-9]{1,16}_[A-Za-z0-9]{1,16}$/
const FILE_NAME = /^([A-Za-z0-9_]{1,64})-([A-Za-z0-9]{1,16}_[A-Za-z0-9]{1,16})-(\d{14})\.zip$/

/** Which registration client: the centre it stands in and the machine it runs on. */
export interface Station {
  /** 5 digits. */
  readonly centreId: string
  /** 5 digits. */
  readonly machineId: string
}

/** Name of the key K11 that packets of a station are encrypted for: `centre_machine`. */
export function refIdOf({ centreId, machineId }: Station): string {
  return `${centreId}_${machineId}`
}

/** @throws KeyhavenError `PACKET_INVALID` if it is no registration id of 29 digits. */
export function requireRid(rid: string): void {
  if (!RID.test(rid)) throw packetInvalid('registration id')
}

/** @throws KeyhavenError `PACKET_INVALID` if it is no `centre_machine`. */
export function requireRefId(refId: string): void {
  if (!REF_ID.test(refId)) throw packetInvalid('reference id')
}

/** MOSIP's rule for packets that name none: the first ten digits of the registration id. */
export function refIdOfRid(rid: string): string {
  requireRid(rid)
  return `${rid.slice(0, CENTRE_DIGITS)}_${rid.slice(CENTRE_DIGITS, CENTRE_DIGITS + MACHINE_DIGITS)}`
}

/**
 * A new registration id.
 *
 * @param sequence - 0 to 99999, another for each registration of the same second on the same machine.
 * @param at - milliseconds since the epoch.
 * @throws TypeError
 */
export function createRid(station: Station, sequence: number, at: number): string {
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > MAX_SEQUENCE) throw new TypeError('sequence')
  const rid = `${station.centreId}${station.machineId}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}${compactTime(at)}`
  if (!RID.test(rid)) throw new TypeError('a centre or machine id is not 5 digits')
  return rid
}

/** `<RID>-<centre_machine>-<yyyyMMddHHmmss>.zip`. */
export function packetFileName(rid: string, refId: string, at: number): string {
  return `${rid}-${refId}-${compactTime(at)}.zip`
}

/** @throws KeyhavenError `PACKET_INVALID` if a packet has no such name. */
export function parsePacketFileName(name: string): { readonly id: string; readonly refId: string } {
  const match = FILE_NAME.exec(name)
  if (match === null) throw packetInvalid('file name')
  return { id: match[1]!, refId: match[2]! }
}

/** UTC, `yyyyMMddHHmmss`. */
function compactTime(at: number): string {
  return new Date(at).toISOString().replace(/\D/g, '').slice(0, TIMESTAMP_DIGITS)
}
