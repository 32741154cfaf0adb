import { overwrite, toBase64url } from '@keyhaven/crypto'
import type { OprfClient } from '../../oprf/oprf-client.ts'
import { oprfInput, type PersonSecrets, personSecrets } from '../../oprf/person-secrets.ts'
import { sealVaultAttribute } from '../../vault/vault-attribute.ts'
import { encodeIssuanceOrder } from '../oprf/read-issuance-order.ts'
import type { IssuerVault } from './issuer-vault.ts'
import { createPool } from './pool.ts'
import { createPoolCare, sealGroup } from './seal-group.ts'
import type { IssuerVaultOptions } from './vault-options.ts'

const MS_PER_SECOND = 1_000

export interface KeyhavenVaultOptions extends IssuerVaultOptions {
  readonly oprf: OprfClient
  /** Compact JWS by the issuer's key (KERNEL/SIGN): an order to the oblivious PRF. */
  readonly signOrder: (payload: Uint8Array) => Promise<string>
  readonly clock: () => number
}

/** Zero-knowledge encryption as it would be done today: see `vault-attribute.ts` and `person-secrets.ts`. */
export function createKeyhavenVault(options: KeyhavenVaultOptions): IssuerVault {
  const { backend, application, oprf, clock } = options
  const pool = createPool(options)

  const secretsOf = async (id: string, request: string, version: number): Promise<PersonSecrets> => {
    const reason = async (element: Uint8Array) => {
      const iat = Math.floor(clock() / MS_PER_SECOND)
      const order = encodeIssuanceOrder({ v: 1, application, element: toBase64url(element), request, iat })
      return { kind: 'issuance' as const, order: await options.signOrder(order) }
    }
    const output = await oprf.evaluate({ input: oprfInput(application, id), version, reason })
    return personSecrets(backend, output)
  }

  return {
    ...createPoolCare(options, pool),

    oprfKey: async () => (await oprf.versions())[0] ?? null,

    async identifiers(id, request) {
      const versions = await oprf.versions()
      return Promise.all(
        versions.map(async (oprfKey) => {
          const { tag, personKey } = await secretsOf(id, request, oprfKey)
          overwrite(personKey)
          return { idHash: toBase64url(tag), oprfKey }
        }),
      )
    },

    async subject(id, request) {
      const [oprfKey = 1] = await oprf.versions()
      const { tag, personKey } = await secretsOf(id, request, oprfKey)
      return {
        identifier: { idHash: toBase64url(tag), oprfKey },
        async seal(place, attributes) {
          const recipients = await options.recipients(place.partner)
          return sealGroup(options, pool, recipients, attributes, (poolKey, index, attribute, plaintext) =>
            sealVaultAttribute(
              backend,
              { poolKey, personKey },
              { index, oprfKey },
              { application, ...place, attribute },
              plaintext,
            ),
          )
        },
        close: () => overwrite(personKey),
      }
    },
  }
}
