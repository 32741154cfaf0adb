import type { AeadName, KemName } from '@keyhaven/crypto'
import type { KeyPurpose, KeyState, KeyStep, ManagedKey } from '@keyhaven/keys'
import type { Selectable } from 'kysely'
import type { ManagedKeysTable } from './tables.ts'

/** The columns that change over a key's life. */
export function toKeyChange(key: ManagedKey) {
  return {
    state: key.state,
    activate_at: key.activateAt,
    activated_at: key.activatedAt,
    retiring_at: key.retiringAt,
    end_at: key.endAt,
    revoked_at: key.revokedAt,
    history: JSON.stringify(key.history),
    // Otherwise untouched: a move to another master key may just have written them.
    ...(key.state === 'revoked' ? { wrapped_private_key: null, master_key_id: null } : {}),
  }
}

export function toKeyRow(
  key: ManagedKey,
  ordinal: number,
  masterKeyId: string | undefined,
): ManagedKeysTable {
  return {
    id: key.id,
    application_id: key.applicationId,
    purpose: key.purpose,
    key_id: key.keyId,
    suite: key.purpose === 'e2e' ? `${key.suite.kem}/${key.suite.aead}` : key.suite.signature,
    public_key: key.publicKey,
    created_at: key.createdAt,
    ordinal,
    wrapped_private_key: key.wrappedPrivateKey ?? null,
    master_key_id: masterKeyId ?? null,
    ...toKeyChange(key),
  }
}

export function fromKeyRow(row: Selectable<ManagedKeysTable>): ManagedKey {
  const record = {
    id: row.id,
    applicationId: row.application_id,
    state: row.state as KeyState,
    publicKey: plainBytes(row.public_key),
    wrappedPrivateKey: row.wrapped_private_key === null ? undefined : plainBytes(row.wrapped_private_key),
    createdAt: row.created_at,
    activateAt: row.activate_at,
    activatedAt: row.activated_at,
    retiringAt: row.retiring_at,
    endAt: row.end_at,
    revokedAt: row.revoked_at,
    history: JSON.parse(row.history) as KeyStep[],
  }
  const purpose = row.purpose as KeyPurpose
  if (purpose !== 'e2e') return { ...record, purpose, keyId: null, suite: { signature: 'EdDSA' } }
  const [kem, aead] = row.suite.split('/')
  return {
    ...record,
    purpose,
    keyId: row.key_id ?? 0,
    suite: { kem: kem as KemName, aead: aead as AeadName },
  }
}

/** pg answers with Buffers; both engines shall look the same to callers. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
