/** Members of one conversation at one time. */
export const MAX_MEMBERS = 10_000
/** Members that one `create` or `add` entry names; more come with further `add` entries. */
export const MAX_MEMBERS_PER_ENTRY = 1_000
/** Characters of a `create` or `add` entry. */
export const MAX_MEMBERS_ENTRY_CHARACTERS = 2_097_152
/** Characters of any other entry. */
export const MAX_CHANGE_ENTRY_CHARACTERS = 16_384
/** Entries of one conversation. */
export const MAX_MEMBERSHIP_ENTRIES = 65_536
/** The last of them are for `remove`: nobody uses up the places with which he could be removed. */
export const ENTRIES_FOR_REMOVAL = 1_024
export const MAX_REASON_CHARACTERS = 500
/** How far an entry's `issued` may lie from the server's clock when it is accepted. */
export const MAX_CLOCK_DIFFERENCE_SECONDS = 300
/**
 * How far what a device signed may lie outside the recorded times of its key and still be its own. Twice
 * {@link MAX_CLOCK_DIFFERENCE_SECONDS}: an entry is dated by its signer, a renewal or revocation by another,
 * each within that of the server's clock. So whatever a server accepted stays valid for every reader.
 */
export const AUTHOR_SKEW_SECONDS = 600
/** 9999-12-31T23:59:59Z. */
export const MAX_TIME_SECONDS = 253_402_300_799
export const MAX_RETENTION_DAYS = 36_500
/** Of a conversation, a key, a file, and of the nonce that an id follows from. */
export const ID_BYTES = 16
