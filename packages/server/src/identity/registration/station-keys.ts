import { backend, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { certificateToPem, type MachineRecord, type Profile, signMachineRecord } from '@keyhaven/identity'
import { type RecordKeys, type RegistrationKeys, stationPacketKey } from '@keyhaven/identity/service'
import type { Stations } from './stations.ts'

/** K4. */
const KERNEL_SIGN = { appId: 'KERNEL', refId: 'SIGN' } as const
/** So long a registration client works without asking again. */
export const MACHINE_RECORD_DAYS = 30
const MS_PER_DAY = 86_400_000

/** What a registration client needs of the server before it can work without a network. */
export interface StationKeys {
  /** The server's word that the machine belongs to the centre: compact JWS by KERNEL/SIGN. */
  readonly record: string
  /** Profile `mosip`: certificate of K11 and those above it, PEM. */
  readonly certificates?: readonly string[]
  /** Profile `keyhaven`: X-Wing public key, base64url; also in the signed record, as `packetKey`. */
  readonly packetKey?: string
}

export interface StationKeyParts {
  readonly applicationId: string
  readonly profile: Profile
  readonly keys: RegistrationKeys
  readonly recordKeys: () => Promise<RecordKeys>
  readonly stations: Stations
  readonly clock: () => number
}

/** @throws KeyhavenError `NOT_FOUND` if the machine is not registered, or not in use any more. */
export async function stationKeys(parts: StationKeyParts, refId: string): Promise<StationKeys> {
  const { applicationId, profile, keys, stations, clock } = parts
  const machine = (await stations.listMachines()).find(({ centre, id }) => `${centre}_${id}` === refId)
  const station = await stations.find(refId)
  if (machine === undefined || station === undefined || station.until !== null) {
    throw new KeyhavenError('NOT_FOUND', 'there is no such machine in use')
  }
  const until = clock() + MACHINE_RECORD_DAYS * MS_PER_DAY
  const record: MachineRecord = { refId, keyIndex: machine.keyIndex, until }
  const [certificate, ...chain] = await keys.chain(KERNEL_SIGN)
  const signer = {
    ...{ certificate: certificate!, chain },
    sign: async (data: Uint8Array) => (await keys.sign(KERNEL_SIGN, data)).signature,
  }
  if (profile === 'mosip') {
    const certificates = (await keys.chain({ appId: 'REGISTRATION', refId })).map(certificateToPem)
    return { record: await signMachineRecord(signer, record), certificates }
  }
  const { publicKey } = await stationPacketKey(backend, applicationId, await parts.recordKeys(), refId)
  const packetKey = toBase64url(publicKey.bytes)
  return { record: await signMachineRecord(signer, record, { packetKey }), packetKey }
}
