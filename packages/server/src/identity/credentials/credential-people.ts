import { KeyhavenError } from '@keyhaven/crypto'
import { parseCbeff } from '@keyhaven/identity'
import type { CredentialPerson, IdentityRepository, IdType } from '@keyhaven/identity/service'

const UIN_DIGITS = 10

/** @throws KeyhavenError `NOT_FOUND`, `ACCESS_DENIED`: see {@link IdentityRepository}. */
export async function personOf(
  repository: IdentityRepository,
  id: string,
  idType: IdType,
): Promise<CredentialPerson> {
  if (idType === 'HANDLE') throw new KeyhavenError('NOT_FOUND', 'there is no such person')
  const { identity, files } = await repository.retrieve(id, idType, ['Biometrics'])
  const records = files.flatMap(({ category, field, bytes }) =>
    category === 'Biometrics' ? [[field, parseCbeff(bytes)] as const] : [],
  )
  return { identity, biometrics: Object.fromEntries(records) }
}

/** Empty for a blocked person: the event that says so needs none, and nothing else is issued. */
export async function tokenOf(
  repository: IdentityRepository,
  personToken: (uin: string, partnerId: string) => Promise<string>,
  id: string,
  partnerId: string,
): Promise<string> {
  if (id.length === UIN_DIGITS) return personToken(id, partnerId)
  try {
    return await personToken((await repository.retrieve(id, 'VID')).uin, partnerId)
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'ACCESS_DENIED') return ''
    throw error
  }
}
