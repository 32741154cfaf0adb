import type { ProfileName } from '../api/directory-devices.ts'

/** Each profile's name, and what to know of it before one chooses it. */
export const PROFILES: Readonly<Record<ProfileName, { readonly label: string; readonly meaning: string }>> = {
  'x-wing': { label: 'X-Wing', meaning: 'The default. Holds against quantum computers too.' },
  x25519: { label: 'X25519', meaning: 'Smaller messages; not against quantum computers.' },
  rsa3072: { label: 'RSA-3072', meaning: 'For systems that need RSA. No forward secrecy.' },
  'rsa1024-legacy': {
    label: 'RSA-1024, legacy',
    meaning: 'Weak. Only to move an old deployment over; off unless the server allows it.',
  },
}

/** @param profile - as the server names it; one that this page does not know yet is shown as it is. */
export function profileLabel(profile: string): string {
  return Object.hasOwn(PROFILES, profile) ? PROFILES[profile as ProfileName].label : profile
}

export function isWeak(profile: string): boolean {
  return profile === 'rsa1024-legacy'
}
