import { KeyhavenError } from '@keyhaven/crypto'
import type { OpenedPacket } from '../../packet/open-packet.ts'
import { packetInvalid } from '../../packet/packet-invalid.ts'
import type { RegistrationRepository } from './ports.ts'

/** The field of an ID schema that says whom an update is about. */
export const UIN_FIELD = 'UIN'

/** Whom a packet of the process UPDATE is about. */
export interface KnownPerson {
  readonly uin: string
  readonly record: string
  readonly identity: Readonly<Record<string, unknown>>
  readonly hasBiometrics: boolean
}

/**
 * The person whose number stands in a packet.
 *
 * @throws KeyhavenError `PACKET_INVALID` if there is no number, nobody has it, or the identity is blocked.
 */
export async function personOfPacket(
  repository: RegistrationRepository,
  packet: OpenedPacket,
): Promise<KnownPerson> {
  const number = packet.identity[UIN_FIELD]
  if (typeof number !== 'string' && typeof number !== 'number') throw packetInvalid('UIN: there is none')
  const uin = String(number)
  return asRefusal(async () => {
    const { record, identity } = await repository.retrieve(uin, 'UIN')
    return { uin, record, identity, hasBiometrics: await hasBiometrics(repository, uin) }
  })
}

/** Whether there are biometrics of somebody now, whatever a registration of before brought. */
export async function hasBiometrics(repository: RegistrationRepository, uin: string): Promise<boolean> {
  const newest = (await repository.history(uin, 'UIN')).at(-1)
  return newest?.files.some(({ category }) => category === 'Biometrics') ?? false
}

/** Nobody has the number, or whoever has it is blocked: trying again changes nothing. */
export async function asRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KeyhavenError && ['NOT_FOUND', 'ACCESS_DENIED'].includes(error.code)) {
      throw packetInvalid(`UIN: ${error.message}`, error)
    }
    throw error
  }
}
