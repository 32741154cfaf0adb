/**
 * Two ways to do the same flows: `mosip` is byte-compatible with MOSIP 1.2, `keyhaven` is what cryptography
 * would choose today. Set for a deployment and for each partner; it is in the associated data, and no decoder
 * of one tries the layout of the other.
 */
export const PROFILES = ['mosip', 'keyhaven'] as const
export type Profile = (typeof PROFILES)[number]
