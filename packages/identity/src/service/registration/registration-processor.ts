import { type CryptoBackend, KeyhavenError, utf8 } from '@keyhaven/crypto'
import { encodeCbeff } from '../../biometrics/encode-cbeff.ts'
import type { OpenedPacket } from '../../packet/open-packet.ts'
import { isFinalStage } from '../../registration/stages.ts'
import type { IdentityFile, IdentityRepository } from '../repository/identity-repository.ts'
import { demographicTag } from './demographic-tag.ts'
import type { PacketOpener } from './packet-opener.ts'
import type {
  Abis,
  CredentialRequests,
  OperatorDirectory,
  PacketSource,
  RegistrationKeys,
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
  readonly repository: Pick<IdentityRepository, 'giveUin' | 'add'>
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
  const { backend, keys, abis, repository, credentials } = parts

  const verify = async (registration: StoredRegistration, remember: (packet: OpenedPacket) => void) => {
    const bytes = await parts.packets.read(registration)
    try {
      const { packet, officer } = await verifyRegistration(parts, registration, bytes)
      remember(packet)
      const json = utf8(JSON.stringify(packet.identity))
      const demographics = await parts.opener.sealDemographics(registration, json)
      const receipt = await signReceipt(backend, keys, registration, demographics)
      return { stage: 'VERIFIED', officer, demographics, receipt } as const
    } catch (error) {
      if (!isRefusal(error)) throw error
      return rejected(error)
    }
  }

  const deduplicate = async (store: StageStore, { rid }: StoredRegistration, packet: OpenedPacket) => {
    const birs = [...packet.biometrics.values()].flatMap((record) => record.birs)
    const key = await parts.tagKey()
    const tag = await demographicTag(backend, key, parts.applicationId, packet.identity)
    if (birs.length > 0) await abis.enrol(rid, birs)
    const own = await store.enterGallery(rid, tag, birs.length > 0)
    const matches = birs.length > 0 ? await abis.identify(rid, birs) : []
    const [same] = await store.earlier(matches, own.position)
    if (same !== undefined) return duplicate(`biometrics of ${same.rid}`)
    // Two people can have name and birthday in common; who is told apart by biometrics is another.
    const namesakes = await store.sameDemographics(tag, own.position)
    const undecided = namesakes.find(({ hasBiometrics }) => !hasBiometrics || birs.length === 0)
    if (undecided !== undefined)
      return duplicate(`demographics of ${undecided.rid}, without biometrics to tell`)
    return { stage: 'DEDUPLICATED' } as const
  }

  const keep = async ({ rid }: StoredRegistration, packet: OpenedPacket): Promise<StageChange> => {
    const { uin } = await repository.giveUin(rid)
    await repository.add({ rid, identity: { ...packet.identity, UIN: uin }, files: filesOf(packet) })
    return { stage: 'STORED' }
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
        return deduplicate(store, registration, await opened())
      case 'DEDUPLICATED':
        return { stage: 'UIN_GIVEN', record: (await repository.giveUin(rid)).record }
      case 'UIN_GIVEN':
        return keep(registration, await opened())
      case 'STORED': {
        const { uin, record } = await repository.giveUin(rid)
        await credentials.issue({ rid, uin, record })
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
        registration = await store.advance(present, await next(store, present, opened, remember))
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

function duplicate(of: string): StageChange {
  return { stage: 'REJECTED', reason: `DUPLICATE: ${of}` }
}
