/** Characters of one entry, its device request included. */
export const MAX_ENTRY_BYTES = 16_384
/** Characters of a device request. */
export const MAX_DEVICE_KEY_REQUEST_BYTES = 8_192
export const MAX_STATEMENT_BYTES = 8_192
export const MAX_ACCEPTANCE_BYTES = 2_048
/** Entries of one user, over all chains. */
export const MAX_CHAIN_ENTRIES = 4_096
/**
 * The last of them are kept for what ends something: the authority's entries with the device that follows a
 * reset, revocations at once, and objections. A stolen device that fills the chain can then still be shut out
 * of it.
 */
export const RESERVED_CHAIN_ENTRIES = 256
/** Devices of one chain that are not revoked. */
export const MAX_LIVE_DEVICES = 32

export const DEVICE_ID_BYTES = 16
export const MAX_NAME_CHARACTERS = 128
export const MAX_REASON_CHARACTERS = 500

const HOUR_SECONDS = 3_600
export const DAY_SECONDS = 24 * HOUR_SECONDS
/** How far an entry's `issued` may lie from the authority's clock. */
export const MAX_CLOCK_DIFFERENCE_SECONDS = 300
/** From when on a device record may be valid, seen from the entry that carries it. */
export const MAX_REQUEST_AGE_SECONDS = 24 * HOUR_SECONDS
export const MAX_NOT_BEFORE_AHEAD_SECONDS = 7 * DAY_SECONDS
export const DEFAULT_RECORD_LIFETIME_SECONDS = 90 * DAY_SECONDS
export const MAX_RECORD_LIFETIME_SECONDS = 400 * DAY_SECONDS
/** An encryption key of an HPKE profile, from its `notBefore`. */
export const MAX_ENCRYPTION_KEY_LIFETIME_SECONDS = 7 * DAY_SECONDS
/** How long the private part of an expired encryption key is kept, so that late messages open. */
export const ENCRYPTION_KEY_GRACE_SECONDS = 14 * DAY_SECONDS
/** How long after expiry a signing key may still sign its own renewal, and nothing else. */
export const DEFAULT_RENEWAL_GRACE_SECONDS = 30 * DAY_SECONDS
/** The most that an authority can configure; a chain with a later renewal is broken. */
export const MAX_RENEWAL_GRACE_SECONDS = 90 * DAY_SECONDS
/** Delay of a revocation by another device and of a recovery key replaced by a device. */
export const OBJECTION_PERIOD_SECONDS = 24 * HOUR_SECONDS
