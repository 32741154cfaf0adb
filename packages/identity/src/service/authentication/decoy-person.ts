import { backend } from '@keyhaven/crypto'
import { encodeCbeff } from '../../biometrics/encode-cbeff.ts'
import type { PretendedAttribute } from '../vault/ida-vault.ts'

/** As large as a text and as a template are. */
const TEXT_BYTES = 96
const TEMPLATE_BYTES = 560
const BIOMETRIC_NAME = /^(Finger|Iris|Face)/

/**
 * Stands in for a person who is not there: the same derivation, decryption and comparison are done, so that an
 * unknown id takes as long as a wrong person. What it holds matches nobody.
 */
export interface DecoyPerson {
  /** What to pretend to open for these names. */
  attributes(names: readonly string[]): readonly PretendedAttribute[]
  /** A CBEFF text to compare with. */
  readonly template: string
}

export function createDecoyPerson(): DecoyPerson {
  const template = new TextDecoder().decode(
    encodeCbeff({
      birs: [
        {
          ...{ type: 'Face', subtypes: [], quality: 0, bdb: backend.randomBytes(TEMPLATE_BYTES) },
          ...{ purpose: 'Verify', createdOn: new Date(0).toISOString(), level: 'Processed' },
        },
      ],
    }),
  )
  return {
    template,
    attributes: (names) =>
      names.map((name) => ({ name, bytes: BIOMETRIC_NAME.test(name) ? template.length : TEXT_BYTES })),
  }
}
