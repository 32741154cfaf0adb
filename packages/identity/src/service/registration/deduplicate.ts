import type { CryptoBackend } from '@keyhaven/crypto'
import type { Bir } from '../../biometrics/bir.ts'
import type { OpenedPacket } from '../../packet/open-packet.ts'
import { packetInvalid } from '../../packet/packet-invalid.ts'
import { demographicTag } from './demographic-tag.ts'
import { asRefusal, hasBiometrics, personOfPacket } from './known-person.ts'
import type {
  Abis,
  GalleryEntry,
  RegistrationRepository,
  StageChange,
  StageStore,
  StoredRegistration,
} from './ports.ts'

export interface DeduplicationParts {
  readonly backend: CryptoBackend
  readonly applicationId: string
  readonly abis: Abis
  readonly repository: RegistrationRepository
  /** Keys demographic tags, 32 bytes. */
  readonly tagKey: () => Promise<Uint8Array>
}

/** Compares with everybody, also with whoever comes at this moment. */
const EVERYBODY = Number.MAX_SAFE_INTEGER

/**
 * Who a packet is about, by biometrics and demographics: NEW must be nobody who is here, UPDATE the person whose number
 * it brings and nobody else, LOST one person who is here.
 *
 * @throws KeyhavenError `PACKET_INVALID` if it is not.
 */
export async function deduplicate(
  parts: DeduplicationParts,
  store: StageStore,
  { rid }: Pick<StoredRegistration, 'rid'>,
  packet: OpenedPacket,
): Promise<StageChange> {
  const birs = [...packet.biometrics.values()].flatMap((record) => record.birs)
  switch (packet.process) {
    case 'LOST':
      return { stage: 'DEDUPLICATED', record: await findPerson(parts, store, rid, packet, birs) }
    case 'UPDATE': {
      const person = await personOfPacket(parts.repository, packet)
      const { record, identity } = person
      if (person.hasBiometrics) await requireSame(parts, store, rid, birs, record)
      return compare(parts, store, rid, birs, { ...identity, ...packet.identity }, record)
    }
    default:
      return compare(parts, store, rid, birs, packet.identity)
  }
}

/** Is it anybody else? @param own - the person's record: registrations of it are the same person. */
async function compare(
  parts: DeduplicationParts,
  store: StageStore,
  rid: string,
  birs: readonly Bir[],
  identity: Readonly<Record<string, unknown>>,
  own?: string,
): Promise<StageChange> {
  const { abis } = parts
  const tag = await tagOf(parts, identity)
  if (birs.length > 0) await abis.enrol(rid, birs)
  const { position } = await store.enterGallery(rid, tag, birs.length > 0)
  const isAnother = ({ record }: GalleryEntry) => own === undefined || record !== own
  const matches = birs.length > 0 ? await abis.identify(rid, birs) : []
  const same = (await store.earlier(matches, position)).find(isAnother)
  if (same !== undefined) return duplicate(`biometrics of ${same.rid}`)
  // Two people can have name and birthday in common; who is told apart by biometrics is another.
  const namesakes = (await store.sameDemographics(tag, position)).filter(isAnother)
  const undecided = namesakes.find(({ hasBiometrics }) => !hasBiometrics || birs.length === 0)
  if (undecided !== undefined) {
    return duplicate(`demographics of ${undecided.rid}, without biometrics to tell`)
  }
  return { stage: 'DEDUPLICATED' }
}

/** Before anything is given to an ABIS: is it the person who has the number? */
async function requireSame(
  { abis }: DeduplicationParts,
  store: StageStore,
  rid: string,
  birs: readonly Bir[],
  record: string,
): Promise<void> {
  if (birs.length === 0) throw packetInvalid('biometrics: none that show who it is')
  const matches = await store.earlier(await abis.identify(rid, birs), EVERYBODY)
  if (!matches.some((entry) => entry.record === record)) {
    throw packetInvalid('biometrics: not of the person who has this UIN')
  }
}

/** By biometrics; whoever has none is found by name, date of birth and gender, if nobody else has the same. */
async function findPerson(
  parts: DeduplicationParts,
  store: StageStore,
  rid: string,
  { identity }: OpenedPacket,
  birs: readonly Bir[],
): Promise<string> {
  const matches =
    birs.length > 0
      ? await store.earlier(await parts.abis.identify(rid, birs), EVERYBODY)
      : await store.sameDemographics(await tagOf(parts, identity), EVERYBODY)
  const records = [...new Set(matches.flatMap(({ record }) => record ?? []))]
  const [record] = records
  if (record === undefined) throw packetInvalid('nobody is registered with these biometrics or demographics')
  if (records.length > 1) throw packetInvalid(`${records.length} people could be meant`)
  await asRefusal(async () => {
    const uin = await parts.repository.uinOfRecord(record)
    await parts.repository.retrieve(uin, 'UIN')
    // Asked of the person: an update may have brought them after the registration that was found by an old name.
    if (birs.length === 0 && (await hasBiometrics(parts.repository, uin))) {
      throw packetInvalid('biometrics: none that show who it is')
    }
  })
  return record
}

async function tagOf(
  parts: DeduplicationParts,
  identity: Readonly<Record<string, unknown>>,
): Promise<string> {
  return demographicTag(parts.backend, await parts.tagKey(), parts.applicationId, identity)
}

function duplicate(of: string): StageChange {
  return { stage: 'REJECTED', reason: `DUPLICATE: ${of}` }
}
