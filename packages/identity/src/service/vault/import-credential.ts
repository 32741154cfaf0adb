import { KeyhavenError, overwrite } from '@keyhaven/crypto'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import { verifyDetachedJws } from '../../mosip/jws.ts'
import type { CredentialEvent, RandomKey } from '../../vault/credential-event.ts'
import { type CredentialPayload, decodeCredentialPayload } from '../../vault/credential-payload.ts'
import { mosipAttributeIndex } from '../../vault/mosip-attribute.ts'
import { generationOf } from '../../vault/pool-index.ts'
import { readVaultHeader } from '../../vault/vault-attribute.ts'
import type { IdaImport, StoredAttribute } from './ida-store.ts'
import type { ImportResult } from './ida-vault.ts'
import type { IdaVaultOptions } from './ida-vault-options.ts'
import { openRandomKey } from './open-random-key.ts'
import { type Pool, poolConflict } from './pool.ts'
import type { StoredPoolKey } from './pool-store.ts'

const IDENTIFIERS = {
  mosip: /^[0-9A-F]{64}$/,
  keyhaven: /^[A-Za-z0-9_-]{43}$/,
} as const

/**
 * The five steps of the IDA, for an event whose signature is verified: K18 is there (1); the share is opened
 * with PK8 (2); K22 opens each pool key (3), which is wrapped under K18 for its index (4); the data is stored
 * as it is (5).
 */
export async function importCredential(
  options: IdaVaultOptions,
  pool: Pool,
  event: CredentialEvent,
  share: Uint8Array,
): Promise<ImportResult> {
  const { store, partner, backend } = options
  const bytes = await options.openShare(share)
  if (event.signature === undefined) throw malformed('it has no proof')
  await verifyDetachedJws(backend, event.signature, bytes, options.issuer)
  const payload = decodeCredentialPayload(bytes)
  if (payload.issuedTo !== partner) throw malformed('it was issued to somebody else')
  checkIdentifier(options, event)
  const groups = [event.demographics, event.biometrics].filter((group) => group !== undefined)
  const keys = await wrapKeys(options, pool, groups)
  const attributes = attributesOf(payload)
  const used = checkSealed(options, payload, event, groups)
  const imported = await store.import({
    eventId: event.id,
    keys,
    ...saltOf(event),
    record: {
      idHash: event.identifier.idHash,
      credentialId: payload.id,
      partner,
      policy: payload.policy ?? '',
      token: event.token,
      issuedAt: Date.parse(payload.issuanceDate),
      expiresAt: event.expiresAt === null ? null : Date.parse(event.expiresAt),
      transactionsLeft: event.transactionLimit,
      generation: Math.min(...used.map(generationOf)),
      oprfKey: event.identifier.oprfKey ?? 0,
    },
    attributes,
  })
  if (imported.result === 'key-conflict') throw poolConflict(imported.came.index)
  if (imported.result === 'salt-conflict') {
    throw new KeyhavenError('CONFLICT', `salt ${imported.modulo} is another one than the one known here`)
  }
  return imported.result
}

function saltOf({ identifier: { modulo, salt } }: CredentialEvent): Pick<IdaImport, 'salt'> {
  return modulo === undefined || salt === undefined ? {} : { salt: { modulo, salt } }
}

function checkIdentifier({ store: { profile } }: IdaVaultOptions, { identifier }: CredentialEvent): void {
  const { idHash, modulo, salt, oprfKey } = identifier
  const complete =
    profile === 'mosip'
      ? modulo !== undefined && salt !== undefined && oprfKey === undefined
      : modulo === undefined && salt === undefined && oprfKey !== undefined
  if (!complete || !IDENTIFIERS[profile].test(idHash)) throw malformed('the hash is of the other profile')
}

async function wrapKeys(
  { opener }: IdaVaultOptions,
  pool: Pool,
  groups: readonly RandomKey[],
): Promise<StoredPoolKey[]> {
  const keys: StoredPoolKey[] = []
  for (const { index, encryptedRandomKey } of groups) {
    const key = await openRandomKey(opener, encryptedRandomKey)
    try {
      keys.push(await pool.wrap(index, key))
    } finally {
      overwrite(key)
    }
  }
  return keys
}

/** Every sealed attribute is in its profile's layout and under a key that this event brought. @returns indexes. */
function checkSealed(
  { store: { profile } }: IdaVaultOptions,
  payload: CredentialPayload,
  event: CredentialEvent,
  groups: readonly RandomKey[],
): number[] {
  const brought = groups.map(({ index }) => index)
  for (const name of payload.protectedAttributes) {
    const bytes = fromAnyBase64(payload.credentialSubject[name] as string)
    const header = profile === 'mosip' ? { index: mosipAttributeIndex(bytes) } : readVaultHeader(bytes)
    if (!brought.includes(header.index)) throw malformed('an attribute is under a key that did not come')
    if ('oprfKey' in header && header.oprfKey !== event.identifier.oprfKey) {
      throw malformed('an attribute is under another key of the oblivious PRF')
    }
  }
  if (brought.length === 0) throw malformed('it brings no key')
  return brought
}

/** As they came: what is not a text is kept as its JSON. */
function attributesOf({ credentialSubject, protectedAttributes }: CredentialPayload): StoredAttribute[] {
  const sealed = new Set(protectedAttributes)
  return Object.entries(credentialSubject).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    sealed: sealed.has(name),
  }))
}

function malformed(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', `the credential cannot be imported: ${what}`)
}
