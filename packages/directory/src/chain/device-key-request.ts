import type { Jwk } from '@keyhaven/crypto'
import type { ProfileName } from './profile.ts'

export const DEVICE_KEY_REQUEST_TYP = 'keyhaven-device+jws'

/**
 * What a device asks to have recorded. A compact JWS with header `{alg, typ: 'keyhaven-device+jws'}`, signed by
 * the new signing key itself: proof of possession. Times: seconds since the epoch.
 */
export interface DeviceKeyRequest {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** 16 random bytes, base64url. */
  readonly device: string
  /** For people, chosen by the user. */
  readonly name: string
  readonly profile: ProfileName
  readonly signingKey: Jwk
  /** Ed25519; in the RSA profiles only. */
  readonly requestKey?: Jwk
  readonly encryptionKey: Jwk
  readonly notBefore: number
  readonly expires: number
}
