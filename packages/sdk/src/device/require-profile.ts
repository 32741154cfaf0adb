import { isProfileName, PROFILES } from '@keyhaven/directory'

/** @throws TypeError that lists the profiles, before anything is stored or sent. */
export function requireProfile(profile: unknown): void {
  if (profile === undefined || isProfileName(profile)) return
  throw new TypeError(`profile must be one of ${Object.keys(PROFILES).join(', ')}`)
}
