import type { CryptoBackend } from '@keyhaven/crypto'
import { overwrite, toBase64url } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import { idHash, idHashModulo } from '../../vault/id-hash.ts'
import {
  mosipAttributeIndex,
  openMosipAttribute,
  sealMosipAttribute,
  withMosipKey,
} from '../../vault/mosip-attribute.ts'
import type { IdaLookUp, IdaProfile } from './ida-profile.ts'
import type { Pool } from './pool.ts'
import { NOBODY } from './pretend-person.ts'

/** People by salted hash; keys by one AES call over the id's hash, as MOSIP's IDA does it. */
export function createMosipIdaProfile(backend: CryptoBackend, pool: Pool): IdaProfile {
  const lookUpOf = (id: string, hash: string): IdaLookUp => ({
    idHash: hash,
    oprfKey: 0,
    async open(_record, _name, value) {
      const bytes = fromAnyBase64(value)
      const poolKey = await pool.open(mosipAttributeIndex(bytes))
      try {
        return await withMosipKey(backend, poolKey, id, (key) => openMosipAttribute(backend, key, bytes))
      } finally {
        overwrite(poolKey)
      }
    },
    seal: async (_record, _name, plaintext, { index, poolKey }) =>
      toBase64url(
        await withMosipKey(backend, poolKey, id, (key) => sealMosipAttribute(backend, key, index, plaintext)),
      ),
    close() {},
  })

  return {
    async lookUps(id, _request, store) {
      const salt = await store.salt(await idHashModulo(backend, id))
      // A salt that nobody brought: nobody is stored under it. The hash is computed all the same.
      return [lookUpOf(id, await idHash(backend, id, salt ?? ''))]
    },
    decoy: () => lookUpOf('0000000000', NOBODY),
    newest: async () => undefined,
  }
}
