import type { CryptoBackend } from '@keyhaven/crypto'
import { fromBase64url, KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import type { OprfClient } from '../../oprf/oprf-client.ts'
import type { PartnerSignedRequest } from '../../oprf/oprf-wire.ts'
import { oprfInput, personSecrets } from '../../oprf/person-secrets.ts'
import {
  openVaultAttribute,
  readVaultHeader,
  sealVaultAttribute,
  type VaultPlace,
} from '../../vault/vault-attribute.ts'
import type { IdaLookUp, IdaProfile } from './ida-profile.ts'
import type { StoredIdaRecord } from './ida-store.ts'
import type { Pool } from './pool.ts'
import { NOBODY } from './pretend-person.ts'

const PERSON_KEY_BYTES = 32

/** People by a tag, keys by a secret, both from the oblivious PRF: nothing here is guessed without it. */
export function createKeyhavenIdaProfile(
  backend: CryptoBackend,
  application: string,
  pool: Pool,
  oprf: OprfClient,
): IdaProfile {
  const lookUp = async (id: string, request: PartnerSignedRequest, version: number): Promise<IdaLookUp> => {
    const output = await oprf.evaluate({
      input: oprfInput(application, id),
      version,
      reason: async () => ({ kind: 'authentication', ...request }),
    })
    const { tag, personKey } = await personSecrets(backend, output)
    return lookUpOf(toBase64url(tag), personKey, version)
  }

  const lookUpOf = (idHash: string, personKey: Uint8Array, version: number): IdaLookUp => ({
    idHash,
    oprfKey: version,
    async open(record, name, value) {
      const bytes = fromBase64url(value)
      const { index, oprfKey } = readVaultHeader(bytes)
      if (oprfKey !== version) throw new KeyhavenError('OPEN_FAILED', 'cannot be opened')
      const poolKey = await pool.open(index)
      try {
        const secrets = { poolKey, personKey }
        return await openVaultAttribute(backend, secrets, placeOf(application, record, name), bytes)
      } finally {
        overwrite(poolKey)
      }
    },
    async seal(record, name, plaintext, { index, poolKey }) {
      const secrets = { poolKey, personKey }
      const place = placeOf(application, record, name)
      const header = { index, oprfKey: version }
      return toBase64url(await sealVaultAttribute(backend, secrets, header, place, plaintext))
    },
    close: () => overwrite(personKey),
  })

  return {
    async lookUps(id, request, store) {
      if (request === undefined) {
        throw new KeyhavenError(
          'ACCESS_DENIED',
          'nobody is looked up without a request that a partner signed',
        )
      }
      const [used, [newest]] = await Promise.all([store.oprfKeys(), oprf.versions()])
      const versions = used.length > 0 ? used : newest === undefined ? [] : [newest]
      return Promise.all(versions.map((version) => lookUp(id, request, version)))
    },
    decoy: () => lookUpOf(NOBODY, backend.randomBytes(PERSON_KEY_BYTES), 0),
    async newest(id, known, request) {
      const [newest] = await oprf.versions()
      if (newest === undefined || newest <= known.oprfKey || request === undefined) return undefined
      return lookUp(id, request, newest)
    },
  }
}

function placeOf(application: string, record: StoredIdaRecord, attribute: string): VaultPlace {
  const { partner, policy, credentialId } = record
  return { application, partner, policy, record: credentialId, attribute }
}
