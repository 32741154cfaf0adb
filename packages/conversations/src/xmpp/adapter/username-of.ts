import type { Jid } from './jid.ts'

/**
 * Whose address it is, in the words of the directory. An address that is nobody's gives a name that nobody
 * has.
 */
export type UsernameOf = (jid: Jid, own: Jid) => string

/**
 * For a server whose accounts carry the directory's usernames: `ana@example.org` is `ana` to everybody of
 * `example.org`. An address of another server is its whole bare address, so that nobody becomes `ana` by
 * making an account elsewhere.
 */
export const localPartOnOwnServer: UsernameOf = (jid, own) =>
  jid.domain === own.domain && jid.local !== '' ? jid.local : jid.bare

/** For a directory whose usernames are XMPP addresses. */
export const bareAddress: UsernameOf = (jid) => jid.bare
