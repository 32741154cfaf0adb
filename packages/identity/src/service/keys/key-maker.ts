import { type CryptoBackend, overwrite, type RsaPublicKey, toHex } from '@keyhaven/crypto'
import type { ModuleKeys } from '../../keys/identity-keys.ts'
import { type KeyName, keyName, keyNameText } from '../../keys/key-name.ts'
import { type KeyEntry, keyEntry } from '../../keys/key-tree.ts'
import { sealKeyAtRest } from '../../mosip/key-at-rest.ts'
import type { Profile } from '../../profile.ts'
import type { Certificate, KeyUsageName } from '../../x509/certificate.ts'
import { type CertificateIssuer, issueCertificate } from '../../x509/issue-certificate.ts'
import { keyAtRestContext } from './key-at-rest-context.ts'
import { datesOf, isDue, validityMs } from './key-dates.ts'
import type { IdentityKeyStore } from './ports.ts'
import { commonNameOf, type TrustedKey, type TrustedKeys } from './trusted-keys.ts'

export interface KeyMakerOptions {
  readonly backend: CryptoBackend
  readonly store: IdentityKeyStore
  readonly moduleKeys: ModuleKeys
  readonly profile: Profile
  readonly applicationId: string
  readonly clock: () => number
  readonly trusted: TrustedKeys
}

export interface KeyMaker {
  /** The newest generation; made if there is none, or if it is about to end. */
  current(entry: KeyEntry, name: KeyName, actor: string): Promise<TrustedKey>
  /** This generation, made unless it is there. */
  make(entry: KeyEntry, name: KeyName, generation: number, actor: string): Promise<TrustedKey>
}

/** A key and whoever signs certificates with it. */
interface Issuer extends CertificateIssuer {
  readonly key: TrustedKey | undefined
}

const MODULE_KEY_BITS = 2_048
const ORGANISATION = 'Keyhaven identity'
const BASE_USAGE: readonly KeyUsageName[] = ['keyEncipherment', 'dataEncipherment']
const SIGN_USAGE: readonly KeyUsageName[] = ['digitalSignature']
const AUTHORITY_USAGE: readonly KeyUsageName[] = ['digitalSignature', 'keyEncipherment', 'keyCertSign']

/** Makes generations of keys: each only once, however many callers and processes ask. */
export function createKeyMaker(options: KeyMakerOptions): KeyMaker {
  const { backend, store, moduleKeys, clock, trusted } = options
  const making = new Map<string, Promise<TrustedKey>>()

  const current = async (entry: KeyEntry, name: KeyName, actor: string): Promise<TrustedKey> => {
    const [loaded] = await trusted.load(name)
    if (loaded !== undefined && !isDue(loaded, clock())) return loaded
    const [newest] = await trusted.reload(name)
    if (newest !== undefined && !isDue(newest, clock())) return newest
    return make(entry, name, (newest?.record.generation ?? 0) + 1, actor)
  }

  const make = (entry: KeyEntry, name: KeyName, generation: number, actor: string): Promise<TrustedKey> => {
    const what = `${keyNameText(name)} ${generation}`
    const under = making.get(what)
    if (under !== undefined) return under
    const made = makeNow(entry, name, generation, actor).finally(() => making.delete(what))
    making.set(what, made)
    return made
  }

  const makeNow = async (
    entry: KeyEntry,
    name: KeyName,
    generation: number,
    actor: string,
  ): Promise<TrustedKey> => {
    if (entry.holder === 'database') await makeBase(entry, name, generation, actor)
    else await makeModule(entry, name, generation, actor)
    const found = (await trusted.reload(name)).find(({ record }) => record.generation === generation)
    if (found === undefined) throw new TypeError(`${keyNameText(name)} was not stored`)
    return found
  }

  const makeModule = async (entry: KeyEntry, name: KeyName, generation: number, actor: string) => {
    const key = await moduleKeys.ensure(name, 'rsa-2048', generation)
    const parent = entry.parent
    const issuer: Issuer =
      parent === undefined
        ? { key: undefined, certificate: undefined, sign: (data) => key.sign(data) }
        : await issuerFor(entry, parent)
    await addRecord(entry, name, generation, issuer, key.publicKey, undefined, actor)
  }

  const makeBase = async (entry: KeyEntry, name: KeyName, generation: number, actor: string) => {
    const issuer = await issuerFor(entry, entry.parent!)
    const key = await backend.rsa.generateKeyPair(MODULE_KEY_BITS)
    const pkcs8 = await backend.rsa.exportPrivateKey(key)
    const context = keyAtRestContext(options.profile, options.applicationId, name, generation)
    try {
      const wrapped = await sealKeyAtRest(backend, issuer.certificate!.publicKey, pkcs8, context)
      await addRecord(entry, name, generation, issuer, key.publicKey, wrapped, actor)
    } finally {
      overwrite(pkcs8)
    }
  }

  /** The parent, renewed first if it would end before the child. */
  const issuerFor = async (entry: KeyEntry, parentId: string): Promise<Issuer> => {
    const parent = keyEntry(parentId)
    const name = parent.name ?? keyName('')
    let key = await current(parent, name, 'system')
    if (key.certificate.notAfter < clock() + validityMs(entry)) {
      const [newest = key] = await trusted.reload(name)
      key = newest
      if (key.certificate.notAfter < clock() + validityMs(entry)) {
        key = await make(parent, name, key.record.generation + 1, 'system')
      }
    }
    const { generation } = key.record
    const handle = await moduleKeys.ensure(name, 'rsa-2048', generation)
    return { key, certificate: key.certificate, sign: (data) => handle.sign(data) }
  }

  const addRecord = async (
    entry: KeyEntry,
    name: KeyName,
    generation: number,
    issuer: Issuer,
    publicKey: RsaPublicKey,
    wrapped: string | undefined,
    actor: string,
  ): Promise<void> => {
    const now = clock()
    const isBase = entry.holder === 'database'
    const ca = !isBase && name.refId === ''
    const certificate: Certificate = await issueCertificate({
      subject: {
        commonName: commonNameOf(name),
        organisationalUnit: options.applicationId,
        organisation: ORGANISATION,
      },
      publicKey,
      issuer,
      ...datesOf(entry, now, issuer.certificate),
      ca,
      ...(ca && entry.parent !== undefined && { pathLength: 0 }),
      keyUsage: isBase ? BASE_USAGE : ca ? AUTHORITY_USAGE : SIGN_USAGE,
    })
    await store.add(
      {
        ...{ name, generation, wrapped },
        certificate: certificate.der,
        thumbprint: toHex(certificate.thumbprint),
        parentGeneration: issuer.key?.record.generation,
        createdAt: now,
        notAfter: certificate.notAfter,
      },
      actor,
    )
  }

  return { current, make }
}
