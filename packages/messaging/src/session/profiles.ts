import type { AeadName } from '@keyhaven/crypto'
import type { ProfileName } from '../directory-port.ts'

const LEGACY_SESSION_KEY_BYTES = 16
const SESSION_KEY_BYTES = 32

/** AEAD of the messages that a device of this profile sends. */
export function messageAead(profile: ProfileName): AeadName {
  return profile === 'rsa1024-legacy' ? 'aes-128-gcm' : 'aes-256-gcm'
}

export function sessionKeyBytes(profile: ProfileName): number {
  return profile === 'rsa1024-legacy' ? LEGACY_SESSION_KEY_BYTES : SESSION_KEY_BYTES
}
