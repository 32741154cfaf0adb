import type { Awaitable, Jwk, KemPrivateKey, SigningKey } from '@keyhaven/crypto'
import type { DeviceSigner, ProfileName } from '../directory-port.ts'

/** A private encryption key of this device, as the store gives it back. */
export interface DeviceEncryptionKey {
  /** RFC 7638 of the public part, base64url. */
  readonly thumbprint: string
  readonly publicJwk: Jwk
  /** Seconds since epoch. */
  readonly notBefore: number
  readonly expires: number
  readonly privateKey: { readonly kem: KemPrivateKey } | { readonly rsa: Jwk }
}

/** Keys of a device that is to be entered into the directory: at enrolment, or at a renewal. */
export interface NewDeviceKeys {
  readonly profile: ProfileName
  readonly signingKey: DeviceSigner
  /** RSA profiles only: what signs requests. */
  readonly requestKey?: SigningKey
  /** Signs requests once these keys are recorded: {@link requestKey}, or the signing key itself. */
  readonly requestSigner: SigningKey
  readonly encryptionKey: DeviceEncryptionKey
}

/** This device, its identity and private keys. They live in the store, sealed. */
export interface DeviceKeys {
  readonly application: string
  readonly username: string
  /** 16 random bytes, base64url. */
  readonly device: string
  /** Of the newest accepted entry; undefined until {@link adopt}. */
  readonly entry: string | undefined
  readonly profile: ProfileName
  readonly signingKey: DeviceSigner
  /** Ed25519: signs requests to the server. */
  readonly requestKey: SigningKey
  /** The newest one. */
  readonly encryptionKey: DeviceEncryptionKey
  /** @returns undefined once the key is erased, or if it never was this device's. */
  findEncryptionKey(thumbprint: string): Awaitable<DeviceEncryptionKey | undefined>
  /** Thumbprints of all encryption keys that are not erased, in no order: something may have been sealed to any. */
  encryptionThumbprints(): Promise<readonly string[]>
  /** Prepares keys for a renewal, stored before anything is sent; the same ones until {@link adopt}. */
  prepareRenewal(profile?: ProfileName): Promise<NewDeviceKeys>
  /** The directory accepted an entry of this device, at enrolment or renewal: its keys are the current ones. */
  adopt(entry: string): Promise<void>
  /**
   * A new encryption key once the newest is past half of its life (7 days in the HPKE profiles), or at once
   * with `now`. Stored before it is given out. Undefined if none is due, and in the RSA profiles.
   */
  rotateEncryptionKey(options?: { now?: boolean }): Promise<DeviceEncryptionKey | undefined>
  /** Reads the store again: another process may have renewed. */
  reload(): Promise<void>
  /** Erases private encryption keys 14 days after their end. @returns how many. */
  eraseExpired(): Promise<number>
}
