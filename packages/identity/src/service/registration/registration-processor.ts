import { type CryptoBackend, KeyhavenError, utf8 } from '@keyhaven/crypto'
import { encodeCbeff } from '../../biometrics/encode-cbeff.ts'
import type { OpenedPacket } from '../../packet/open-packet.ts'
import { isFinalStage } from '../../registration/stages.ts'
import type { IdentityFile } from '../repository/identity-repository.ts'
import { deduplicate } from './deduplicate.ts'
import { asRefusal, personOfPacket, UIN_FIELD } from './known-person.ts'
import type { PacketOpener } from './packet-opener.ts'
import type {
  Abis,
  CredentialRequests,
  OperatorDirectory,
  PacketSource,
  RegistrationKeys,
  RegistrationRepository,
  StageChange,
  StageStore,
  StationDirectory,
  StoredRegistration,
} from './ports.ts'
import { signReceipt } from './sign-receipt.ts'
import { isRefusal, verifyRegistration } from './verify-registration.ts'

export interface RegistrationProcessorParts {
  readonly backend: CryptoBackend
  readonly applicationId: string
  readonly packets: PacketSource
  readonly opener: PacketOpener
  readonly keys: RegistrationKeys
  readonly stations: StationDirectory
  readonly operators: OperatorDirectory
  readonly abis: Abis
  readonly repository: RegistrationRepository
  readonly credentials: CredentialRequests
  /** Keys demographic tags, 32 bytes. */
  readonly tagKey: () => Promise<Uint8Array>
}

export interface RegistrationProcessor {
  /**
   * Goes on with a registration from where it is to its end. Each stage is one transaction; a run that was cut
   * is gone on with by the next, with the same effect.
   *
   * @throws KeyhavenError what passes: `STORE_UNAVAILABLE`, `CONFLICT` …; a packet that is refused does not
   *   throw, it is `REJECTED`.
   */
  process(store: StageStore, rid: string): Promise<void>
}

/** The packet is decrypted in memory, and forgotten with the run. */
type Opened = () => Promise<OpenedPacket>

export function createRegistrationProcessor(parts: RegistrationProcessorParts): RegistrationProcessor {
  const { backend, keys, repository, credentials } = parts

  const verify = async (
    registration: StoredRegistration,
    remember: (packet: OpenedPacket) => void,
  ): Promise<StageChange> => {
    const bytes = await parts.packets.read(registration)
    const verified = await verifyRegistration(parts, registration, bytes).catch((error: unknown) => {
      if (isRefusal(error)) return rejected(error)
      throw error
    })
    if ('stage' in verified) return verified
    const { packet, process, officer } = verified
    remember(packet)
    // So early, that a second update at the same time is known to be of the same person.
    const person = process === 'UPDATE' ? await personOfPacket(repository, packet) : undefined
    const json = utf8(JSON.stringify(packet.identity))
    const demographics = await parts.opener.sealDemographics(registration, json)
    const receipt = await signReceipt(backend, keys, registration, demographics)
    const record = person && { record: person.record }
    return { stage: 'VERIFIED', officer, demographics, receipt, ...record } as const
  }

  /** First data of a new number; changed data of a known one; a number that was lost is found, nothing is stored. */
  const keep = async ({ rid, record }: StoredRegistration, packet: OpenedPacket): Promise<StageChange> => {
    const dataOf = (uin: string) => ({
      ...{ rid, identity: { ...packet.identity, [UIN_FIELD]: uin }, files: filesOf(packet) },
    })
    if (packet.process === 'UPDATE') {
      const { uin } = await personOfPacket(repository, packet)
      await asRefusal(() => repository.amend(uin, dataOf(uin)))
    } else if (packet.process !== 'LOST') {
      const { uin } = await repository.giveUin(rid)
      await repository.add(dataOf(uin))
    }
    return { stage: 'STORED', ...(record !== null && { record }) }
  }

  /** Whom the next stages are about; of LOST it is known already. */
  const recordOf = async ({ rid, record }: StoredRegistration, packet: OpenedPacket): Promise<string> => {
    if (packet.process === 'UPDATE') return (await personOfPacket(repository, packet)).record
    return packet.process === 'LOST' && record !== null ? record : (await repository.giveUin(rid)).record
  }

  const next = async (
    store: StageStore,
    registration: StoredRegistration,
    opened: Opened,
    remember: (packet: OpenedPacket) => void,
  ): Promise<StageChange> => {
    const { stage, rid } = registration
    switch (stage) {
      case 'RECEIVED':
        return verify(registration, remember)
      case 'VERIFIED':
        return deduplicate(parts, store, registration, await opened())
      case 'DEDUPLICATED':
        return { stage: 'UIN_GIVEN', record: await recordOf(registration, await opened()) }
      case 'UIN_GIVEN':
        return keep(registration, await opened())
      case 'STORED': {
        const record = registration.record!
        await credentials.issue({ rid, record, uin: await repository.uinOfRecord(record) })
        return { stage: 'CREDENTIALS_ISSUED' }
      }
      default:
        throw new TypeError(`stage ${stage} is the last one`)
    }
  }

  return {
    async process(store, rid) {
      let packet: OpenedPacket | undefined
      let registration = await store.find(rid)
      if (registration === undefined) throw new KeyhavenError('NOT_FOUND', 'there is no such registration')
      const remember = (verified: OpenedPacket) => {
        packet = verified
      }
      while (!isFinalStage(registration.stage)) {
        const present: StoredRegistration = registration
        const opened = async () =>
          packet ?? (await parts.opener.open(present, await parts.packets.read(present)))
        const step = next(store, present, opened, remember).catch((error: unknown) => {
          if (error instanceof KeyhavenError && error.code === 'PACKET_INVALID') return rejected(error)
          throw error
        })
        registration = await store.advance(present, await step)
      }
    },
  }
}

function filesOf({ documents, biometrics }: OpenedPacket): IdentityFile[] {
  return [
    ...[...biometrics].map(
      ([field, record]): IdentityFile => ({
        ...{ category: 'Biometrics', field, format: 'cbeff', bytes: encodeCbeff(record) },
      }),
    ),
    ...[...documents].map(
      ([field, { format, bytes }]): IdentityFile => ({
        ...{ category: 'Demographics', field, format, bytes },
      }),
    ),
  ]
}

function rejected({ code, message }: KeyhavenError): StageChange {
  return { stage: 'REJECTED', reason: `${code}: ${message}` }
}
