import type { KemPrivateKey, SigningKey } from '@keyhaven/crypto'

/** What a user keeps outside every device. Words, passphrase and passkey all lead to the same 32 bytes. */
export interface RecoveryKey {
  /** 24 words of BIP-39 (English). Shown once. */
  readonly words: string
  /** Ed25519: signs recovery entries in the user's chain. */
  readonly signingKey: SigningKey
  /** X-Wing: opens backup batches. */
  readonly backupKey: KemPrivateKey
}
