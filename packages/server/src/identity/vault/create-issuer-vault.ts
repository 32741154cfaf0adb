import { backend, KeyhavenError } from '@keyhaven/crypto'
import {
  IDENTITY_CACHE,
  type IdentityKeys,
  type JwsSigner,
  keyName,
  type OprfClient,
  type Profile,
  signJwt,
} from '@keyhaven/identity'
import type { IssuerVault, ZkService } from '@keyhaven/identity/service'
import { createKeyhavenVault, createMosipVault, ISSUANCE_ORDER_TYP } from '@keyhaven/identity/service'
import type { State, StateTransaction } from '../../platform/state/state.ts'
import { createIdSalts } from './id-salts.ts'
import { createPoolStore } from './pool-store.ts'
import { createVaultRecipients, type VaultRecipients } from './vault-recipients.ts'

/** K22, under which pool keys travel. */
export const CRED_SERVICE = keyName('IDA', 'CRED_SERVICE')

export interface IssuerVaultParts {
  readonly state: State
  readonly applicationId: string
  readonly profile: Profile
  readonly keys: Pick<IdentityKeys, 'masterKey' | 'opener'>
  /** With KERNEL/SIGN: orders to the oblivious PRF. */
  readonly signer: () => Promise<JwsSigner>
  /** Profile `keyhaven` only. */
  readonly oprf?: OprfClient
  readonly clock: () => number
  /** In the transaction in which a certificate of an IDA came. */
  readonly onRecipient?: (transaction: StateTransaction, partner: string, actor: string) => Promise<void>
}

export interface IssuerVaultService {
  readonly vault: IssuerVault
  /** MOSIP's calls; profile `mosip` only. */
  readonly zk: ZkService | undefined
  readonly recipients: VaultRecipients
}

/** The issuer's vault of an application, in its database. */
export function createIssuerVault(parts: IssuerVaultParts): IssuerVaultService {
  const { state, applicationId, profile, keys, clock } = parts
  const recipients = createVaultRecipients(state, applicationId, clock, parts.onRecipient)
  const options = {
    backend,
    application: applicationId,
    store: createPoolStore(state, { applicationId, owner: 'identity', profile }),
    masterKey: () => keys.masterKey(IDENTITY_CACHE.main),
    recipients: async (partner?: string) =>
      (await recipients.list(partner)).map(({ certificate }) => ({
        thumbprint: certificate.thumbprint,
        publicKey: certificate.publicKey,
      })),
  }
  if (profile === 'mosip') {
    const salt = createIdSalts(state, applicationId)
    const vault = createMosipVault({ ...options, salt, opener: keys.opener(CRED_SERVICE) })
    return { vault, zk: vault, recipients }
  }
  const { oprf } = parts
  if (oprf === undefined) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      'profile keyhaven needs the oblivious PRF: set KEYHAVEN_OPRF_URL',
    )
  }
  const signOrder = async (order: Uint8Array) =>
    signJwt(await parts.signer(), order, { typ: ISSUANCE_ORDER_TYP })
  return { vault: createKeyhavenVault({ ...options, oprf, signOrder, clock }), zk: undefined, recipients }
}
