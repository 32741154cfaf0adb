import type { Awaitable, RsaPublicKey } from '@keyhaven/crypto'
import type { Recipient, SessionKeyOpener } from '../mosip/session-key.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { KeyName } from './key-name.ts'

export type ModuleKeyKind = 'rsa-2048' | 'aes-256'

/**
 * An AES-256 master key of zero-knowledge encryption (K9, K18). The profile `mosip` wraps with {@link wrapEcb},
 * `keyhaven` with {@link wrap}.
 */
export interface MasterKey {
  /** AES-256-ECB without padding of 32 bytes. */
  wrapEcb(key: Uint8Array): Awaitable<Uint8Array>
  unwrapEcb(wrapped: Uint8Array): Awaitable<Uint8Array>
  /** AES-256-GCM. @returns nonce 12 | ciphertext ‖ tag. */
  wrap(bytes: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED` */
  unwrap(wrapped: Uint8Array, aad: Uint8Array): Awaitable<Uint8Array>
}

/** Root or module key: its private part stays where it is. */
export interface RsaModuleKey {
  readonly kind: 'rsa-2048'
  readonly publicKey: RsaPublicKey
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /**
   * RSA-OAEP with SHA-256 and MGF1-SHA-256; where a module has only the raw operation, `decodeOaep` of it.
   *
   * @throws KeyhavenError `OPEN_FAILED`
   */
  decryptOaep(wrapped: Uint8Array): Promise<Uint8Array>
}

export interface AesModuleKey extends MasterKey {
  readonly kind: 'aes-256'
}

export type ModuleKeyHandle = RsaModuleKey | AesModuleKey

/** Port: where root, module and master keys live. `local`: wrapped in the database; an HSM by PKCS#11. */
export interface ModuleKeys {
  readonly name: string
  /**
   * The key, made if there is none; several processes that ask at once get the same.
   *
   * @param generation - 1 for the first; each renewal asks for the next.
   * @throws KeyhavenError `STORE_UNAVAILABLE`
   */
  ensure(name: KeyName, kind: 'rsa-2048', generation: number): Promise<RsaModuleKey>
  ensure(name: KeyName, kind: 'aes-256', generation: number): Promise<AesModuleKey>
}

/** A key as lists show it. */
export interface IdentityKeyInfo {
  /** Of the table of keys: `K7.1`. */
  readonly id: string
  readonly name: KeyName
  readonly generation: number
  readonly state: 'current' | 'retired'
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly thumbprint: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly notAfter: number
}

/** Which part of a list. */
export interface IdentityKeyPage {
  /** What the page before ended with. */
  readonly after?: { readonly name: KeyName; readonly generation: number } | undefined
  readonly limit: number
}

/** The certificate's key signs. */
export interface IdentitySignature {
  readonly signature: Uint8Array
  readonly certificate: Certificate
  /** What stands above it, issuer first, root last. */
  readonly chain: readonly Certificate[]
}

/** The keys of one application (tenant) in one profile, of the main role or of IDA. */
export interface IdentityKeys {
  /**
   * The current one. Base keys are made when first asked for, and renewed before they end.
   *
   * @throws KeyhavenError `KEY_UNKNOWN` if the table has no such key, `STORE_UNAVAILABLE`.
   */
  certificate(name: KeyName): Promise<Certificate>
  /** Of all generations, newest first: what was signed may name a retired one. Empty if none was made. */
  certificates(name: KeyName): Promise<readonly Certificate[]>
  /** For encryption. @throws KeyhavenError also `ACCESS_DENIED` for keys that only sign or wrap. */
  recipient(name: KeyName): Promise<Recipient>
  /** Opens what was sealed to this key, also to its retired generations, by thumbprint. */
  opener(name: KeyName): SessionKeyOpener
  sign(name: KeyName, data: Uint8Array): Promise<IdentitySignature>
  /** From the key's own certificate to the root's. */
  chain(name: KeyName): Promise<readonly Certificate[]>
  /** K9 or K18. */
  masterKey(name: KeyName): Promise<MasterKey>
  /** All generations that there are, by name, oldest first. */
  list(page: IdentityKeyPage): Promise<readonly IdentityKeyInfo[]>
  /**
   * Makes the next generation now; the old one keeps opening and verifying.
   *
   * @param actor - for the audit log.
   */
  renew(name: KeyName, actor?: string): Promise<Certificate>
}
