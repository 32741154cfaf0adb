import type { AeadName, HpkeSuite, KemName } from '@keyhaven/crypto'

export type KeyState = 'pending' | 'active' | 'retiring' | 'revoked'
/**
 * `log-signing`: checkpoints of the directory's log. `authority-signing`: what the directory accepts. `vrf`:
 * makes the log's labels (RFC 9381); its key pair has the form of Ed25519's.
 */
export type SigningPurpose = 'manifest-signing' | 'root-signing' | 'log-signing' | 'authority-signing' | 'vrf'
export type KeyPurpose = 'e2e' | SigningPurpose

/** Who does something: `token:<name>`, `oidc:<iss>#<sub>`, `cli:local`, `system`. Never a secret. */
export type Actor = string

/** The default of a new end-to-end key. */
export const DEFAULT_SUITE: HpkeSuite = { kem: 'x-wing', aead: 'aes-256-gcm' }
export const SUITE_KEMS: readonly KemName[] = ['x-wing', 'x25519', 'p-256']
export const SUITE_AEADS: readonly AeadName[] = ['aes-256-gcm', 'aes-128-gcm', 'chacha20-poly1305']

/** One step of a key's life, kept for ever. */
export interface KeyStep {
  readonly state: KeyState
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly actor: Actor
  readonly reason: string | null
}

/** What every managed key has. All times are milliseconds since the epoch. */
interface KeyRecord {
  /** UUID, unique everywhere and never reused. */
  readonly id: string
  readonly applicationId: string
  readonly state: KeyState
  /** KEM keys: as HPKE serialises them. Signing keys: the 32 bytes of Ed25519 (RFC 8032). */
  readonly publicKey: Uint8Array
  /** Under the master key; undefined once the key is revoked, because it was erased. */
  readonly wrappedPrivateKey: Uint8Array | undefined
  readonly createdAt: number
  /** When a pending key is to become active. */
  readonly activateAt: number | null
  readonly activatedAt: number | null
  readonly retiringAt: number | null
  /** When the key is to be revoked by itself. */
  readonly endAt: number | null
  readonly revokedAt: number | null
  /** Oldest step first. */
  readonly history: readonly KeyStep[]
}

/** A key that clients seal requests to. */
export interface ManagedE2eKey extends KeyRecord {
  readonly purpose: 'e2e'
  /** 0 to 255, as it stands in the OHTTP header (RFC 9458 §4.1); unique among the application's live keys. */
  readonly keyId: number
  readonly suite: HpkeSuite
}

/** A key that signs manifests, or the root that signs delegations. */
export interface ManagedSigningKey extends KeyRecord {
  readonly purpose: SigningPurpose
  readonly keyId: null
  readonly suite: { readonly signature: 'EdDSA' }
}

export type ManagedKey = ManagedE2eKey | ManagedSigningKey

/** Not revoked: it can open or sign, or will be able to. */
export function isLive(key: ManagedKey): boolean {
  return key.state !== 'revoked'
}
