import type { KemPrivateKey, RsaPrivateKey } from '@keyhaven/crypto'
import { AEAD_NONCE_BYTES, backend, KeyhavenError, overwrite, toHex, utf8, Writer } from '@keyhaven/crypto'
import {
  type Certificate,
  type IdentityKeys,
  issueCertificate,
  type JwsSigner,
  keyName,
  parseCertificate,
  type SessionKeyOpener,
  signEncryptionKey,
} from '@keyhaven/identity'
import type { State } from '../../platform/state/state.ts'
import type { IdaSecrets } from './ida-secrets.ts'

const KEY_BITS = 2_048
const VALIDITY_MS = 2 * 365 * 86_400_000
/** K16, below which this IDA's certificate as a partner stands. */
const IDA_KEY = keyName('IDA')
const ALGORITHM = 'aes-256-gcm'

/** This IDA as a partner of the issuer (PK8): it opens shares and signs that it reads them. */
export interface PartnerKey {
  /** The newest; made when first asked for. From it up to IDA's root. */
  chain(): Promise<readonly [Certificate, ...Certificate[]]>
  signer(): Promise<JwsSigner>
  /** Opens what was sealed to any of our certificates. */
  readonly opener: SessionKeyOpener
  /** Of profile `keyhaven`: what shares are sealed to. */
  shareKey(): Promise<KemPrivateKey>
  /** The public part of {@link shareKey}, signed, as the issuer registers it. */
  shareKeyStatement(): Promise<string>
  /** A new key and certificate; shares under the old ones still open. */
  renew(actor: string): Promise<Certificate>
}

interface HeldKey {
  readonly certificate: Certificate
  readonly privateKey: RsaPrivateKey
}

export interface PartnerKeyParts {
  readonly state: State
  readonly applicationId: string
  /** Partner id of this IDA at the issuer. */
  readonly partnerId: string
  readonly keys: Pick<IdentityKeys, 'chain' | 'sign'>
  readonly secrets: Pick<IdaSecrets, 'partnerWrapKey' | 'shareSeed'>
  readonly clock: () => number
}

export function createPartnerKey(parts: PartnerKeyParts): PartnerKey {
  const { state, applicationId, partnerId, keys, secrets, clock } = parts
  const held = new Map<string, Promise<HeldKey>>()
  let making: Promise<HeldKey> | undefined

  const newest = async (): Promise<HeldKey> => {
    const row = await state.db
      .selectFrom('ida_partner_keys')
      .selectAll()
      .where('application_id', '=', applicationId)
      .orderBy('created_at', 'desc')
      .orderBy('thumbprint')
      .limit(1)
      .executeTakeFirst()
    if (row !== undefined) return hold(row.thumbprint, row)
    making ??= make('system').finally(() => {
      making = undefined
    })
    return making
  }

  const hold = (
    thumbprint: string,
    row: { readonly certificate: Uint8Array; readonly wrapped_key: Uint8Array },
  ): Promise<HeldKey> => {
    const known = held.get(thumbprint) ?? unwrap(row.certificate, row.wrapped_key)
    held.set(thumbprint, known)
    return known
  }

  const byThumbprint = async (thumbprint: string): Promise<HeldKey | undefined> => {
    const known = held.get(thumbprint)
    if (known !== undefined) return known
    const row = await state.db
      .selectFrom('ida_partner_keys')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('thumbprint', '=', thumbprint)
      .executeTakeFirst()
    return row && hold(thumbprint, row)
  }

  async function make(actor: string): Promise<HeldKey> {
    const privateKey = await backend.rsa.generateKeyPair(KEY_BITS)
    const [issuer] = await keys.chain(IDA_KEY)
    const now = clock()
    const certificate = await issueCertificate({
      subject: {
        commonName: partnerId,
        organisationalUnit: applicationId,
        ...(issuer?.organisations[0] === undefined ? {} : { organisation: issuer.organisations[0] }),
      },
      publicKey: privateKey.publicKey,
      issuer: { certificate: issuer, sign: async (data) => (await keys.sign(IDA_KEY, data)).signature },
      notBefore: now,
      notAfter: Math.min(now + VALIDITY_MS, issuer?.notAfter ?? now + VALIDITY_MS),
      keyUsage: ['digitalSignature', 'keyEncipherment', 'dataEncipherment'],
    })
    const thumbprint = toHex(certificate.thumbprint)
    const wrapped = await wrap(privateKey)
    await state.transaction(async (transaction) => {
      await transaction.db
        .insertInto('ida_partner_keys')
        .values({
          ...{ application_id: applicationId, thumbprint, certificate: certificate.der },
          ...{ wrapped_key: wrapped, created_at: transaction.now },
        })
        .execute()
      state.audit.append(transaction, {
        ...{ actor, action: 'auth.partner-key.add', applicationId, subject: thumbprint },
      })
    })
    held.set(thumbprint, Promise.resolve({ certificate, privateKey }))
    return { certificate, privateKey }
  }

  async function wrap(privateKey: RsaPrivateKey): Promise<Uint8Array> {
    const pkcs8 = await backend.rsa.exportPrivateKey(privateKey)
    const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
    const key = await backend.importAeadKey(ALGORITHM, secrets.partnerWrapKey)
    const sealed = await key.seal(nonce, pkcs8, placeOf(privateKey.publicKey.spki))
    overwrite(pkcs8)
    return new Writer().bytes(nonce).bytes(sealed).done()
  }

  async function unwrap(der: Uint8Array, wrapped: Uint8Array): Promise<HeldKey> {
    const certificate = parseCertificate(der)
    const key = await backend.importAeadKey(ALGORITHM, secrets.partnerWrapKey)
    const nonce = wrapped.subarray(0, AEAD_NONCE_BYTES)
    const place = placeOf(certificate.publicKey.spki)
    const pkcs8 = await key.open(nonce, wrapped.subarray(AEAD_NONCE_BYTES), place)
    try {
      return { certificate, privateKey: await backend.rsa.importPrivateKey(pkcs8) }
    } finally {
      overwrite(pkcs8)
    }
  }

  /** A key in another tenant's row, or beside another certificate, does not open. */
  const placeOf = (spki: Uint8Array): Uint8Array =>
    new Writer().bytes8(utf8(applicationId)).bytes16(spki).done()

  const chain: PartnerKey['chain'] = async () => {
    const { certificate } = await newest()
    return [certificate, ...(await keys.chain(IDA_KEY))]
  }

  const signer = async (): Promise<JwsSigner> => {
    const { certificate, privateKey } = await newest()
    const [, ...above] = await chain()
    return { certificate, chain: above, sign: (data) => backend.rsa.signPkcs1(privateKey, data) }
  }

  const shareKey = () => backend.kem.importPrivateKey('x-wing', secrets.shareSeed)

  return {
    chain,
    signer,
    opener: {
      async open(thumbprint, wrapped) {
        const key = thumbprint === undefined ? await newest() : await byThumbprint(toHex(thumbprint))
        if (key === undefined) throw new KeyhavenError('OPEN_FAILED', 'cannot be opened')
        return backend.rsa.decryptOaep(key.privateKey, wrapped)
      },
    },
    shareKey: async () => shareKey(),
    async shareKeyStatement() {
      const { publicKey } = await shareKey()
      return signEncryptionKey(await signer(), partnerId, publicKey.bytes)
    },
    async renew(actor) {
      return (await make(actor)).certificate
    },
  }
}
