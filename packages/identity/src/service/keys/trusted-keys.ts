import { type CryptoBackend, KeyhavenError, toHex } from '@keyhaven/crypto'
import type { ModuleKeys } from '../../keys/identity-keys.ts'
import { type KeyName, keyName, keyNameText } from '../../keys/key-name.ts'
import { findKeyEntry, type KeyRole, keyEntry } from '../../keys/key-tree.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCertificate } from '../../x509/parse-certificate.ts'
import { verifyChain } from '../../x509/verify-chain.ts'
import type { IdentityKeyRecord, IdentityKeyStore } from './ports.ts'

/** A stored key whose certificate was found to come from our own root. */
export interface TrustedKey {
  readonly record: IdentityKeyRecord
  readonly certificate: Certificate
}

/** The generations of each key, in memory, newest first. */
export interface TrustedKeys {
  /** What is in memory. */
  known(name: KeyName): readonly TrustedKey[] | undefined
  load(name: KeyName): Promise<readonly TrustedKey[]>
  reload(name: KeyName): Promise<readonly TrustedKey[]>
  /** From the key's own certificate to the root's. */
  chain(key: TrustedKey): Promise<readonly Certificate[]>
  /** Everything will be read again. */
  forget(): void
}

export interface TrustedKeyOptions {
  readonly backend: CryptoBackend
  readonly store: IdentityKeyStore
  readonly moduleKeys: ModuleKeys
  readonly role: KeyRole
}

const MAX_CACHED_NAMES = 4_096

/**
 * Reads keys and checks them: whoever can write the database, and nothing else, shall not be able to put a
 * certificate of his own there and have people's data encrypted to it. What holds is the root's key in the
 * module.
 */
export function createTrustedKeys({ store, moduleKeys, role }: TrustedKeyOptions): TrustedKeys {
  const names = new Map<string, readonly TrustedKey[]>()
  const chains = new WeakMap<TrustedKey, readonly Certificate[]>()

  const reload = async (name: KeyName): Promise<readonly TrustedKey[]> => {
    const keys: TrustedKey[] = []
    for (const record of await store.find(name)) {
      const key = { record, certificate: parse(record) }
      await chain(key)
      keys.push(key)
    }
    if (keys.length > 0) {
      if (names.size >= MAX_CACHED_NAMES) names.delete(names.keys().next().value!)
      names.set(keyNameText(name), keys)
    }
    return keys
  }

  const load = async (name: KeyName): Promise<readonly TrustedKey[]> =>
    names.get(keyNameText(name)) ?? reload(name)

  const chain = async (key: TrustedKey): Promise<readonly Certificate[]> => {
    const known = chains.get(key)
    if (known !== undefined) return known
    const found = await trustedChain(key)
    chains.set(key, found)
    return found
  }

  const trustedChain = async ({ record, certificate }: TrustedKey): Promise<readonly Certificate[]> => {
    const entry = findKeyEntry(role, record.name)
    if (entry?.holder === 'module') {
      const { publicKey } = await moduleKeys.ensure(record.name, 'rsa-2048', record.generation)
      if (toHex(publicKey.spki) !== toHex(certificate.publicKey.spki)) throw untrusted(record.name)
    }
    // Another key's certificate, moved here in the database, names another key.
    if (entry === undefined || certificate.commonName !== commonNameOf(record.name)) {
      throw untrusted(record.name)
    }
    if (entry.parent === undefined) return [certificate]
    const parentName = keyEntry(entry.parent).name ?? keyName('')
    const parents = await load(parentName)
    const isParent = (key: TrustedKey) => key.record.generation === record.parentGeneration
    const parent = parents.find(isParent) ?? (await reload(parentName)).find(isParent)
    if (parent === undefined) throw untrusted(record.name)
    const above = await chain(parent)
    try {
      await verifyChain(certificate, {
        intermediates: [],
        anchors: [above[0]!],
        // Retired keys are here too: when it is used decides the caller.
        at: certificate.notBefore,
        revoked: () => false,
        usage: entry.holder === 'database' ? 'encrypt' : 'sign',
      })
    } catch {
      throw untrusted(record.name)
    }
    return [certificate, ...above]
  }

  return {
    known: (name) => names.get(keyNameText(name)),
    load,
    reload,
    chain,
    forget: () => names.clear(),
  }
}

function parse(record: IdentityKeyRecord): Certificate {
  const certificate = parseCertificate(record.certificate)
  if (toHex(certificate.thumbprint) !== record.thumbprint) throw untrusted(record.name)
  return certificate
}

/** Stands in a certificate's subject, as MOSIP's key manager writes it, and binds it to its key. */
export function commonNameOf({ appId, refId }: KeyName): string {
  return refId === '' ? appId : `${appId}-${refId}`
}

function untrusted(name: KeyName): KeyhavenError {
  return new KeyhavenError(
    'STORE_UNAVAILABLE',
    `the stored certificate of ${keyNameText(name)} does not come from this system’s root key`,
  )
}
