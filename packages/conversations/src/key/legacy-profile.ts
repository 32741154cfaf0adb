import type { ProfileName } from '@keyhaven/directory'

/** RSA-1024: a device of this profile reads managed conversations, and gets no sealed key. */
export const LEGACY_PROFILE: ProfileName = 'rsa1024-legacy'
