import { backend, utf8 } from '@keyhaven/crypto'
import { encodeCbeff } from '../../biometrics/encode-cbeff.ts'
import { deriveMosipKey, openMosipAttribute, sealMosipAttribute } from '../../vault/mosip-attribute.ts'

/** As large as a text and as a template are. */
const TEXT_BYTES = 96
const TEMPLATE_BYTES = 560
const POOL_KEY_BYTES = 32

/**
 * Stands in for a person who is not there: the same derivation, decryption and comparison are done, so that an
 * unknown id takes as long as a wrong person. What it holds matches nobody.
 */
export interface DecoyPerson {
  open(names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** A CBEFF text to compare with. */
  readonly template: string
}

export async function createDecoyPerson(): Promise<DecoyPerson> {
  const poolKey = backend.randomBytes(POOL_KEY_BYTES)
  const id = 'nobody'
  const key = await deriveMosipKey(backend, poolKey, id)
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
  const text = await sealMosipAttribute(backend, key, 0, backend.randomBytes(TEXT_BYTES))
  const sealedTemplate = await sealMosipAttribute(backend, key, 0, utf8(template))
  return {
    template,
    async open(names) {
      for (const name of names) {
        const derived = await deriveMosipKey(backend, poolKey, id)
        await openMosipAttribute(backend, derived, /^(Finger|Iris|Face)/.test(name) ? sealedTemplate : text)
      }
      return new Map()
    },
  }
}
