import { type Awaitable, KeyhavenError } from '@keyhaven/crypto'
import type { DeviceState, RecordedKey } from '@keyhaven/directory'
import { PROFILES } from '@keyhaven/directory'
import {
  type DeviceVerifyKey,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from '@keyhaven/messaging'
import { AUTHOR_SKEW_SECONDS } from './limits.ts'

/** A position in a user's chain of the directory. */
export interface ChainPin {
  /** 0, one more with each reset. */
  readonly chain: number
  /** Hash of the entry, base64url. */
  readonly head: string
  readonly sequence: number
}

/**
 * The device that signed, and how far it knew its own user's chain: `{username, device, entry, chain, head,
 * sequence}`.
 */
export interface Author extends ChainPin {
  readonly username: string
  readonly device: string
  /** Hash of its newest device entry, base64url: names the signing key. */
  readonly entry: string
}

/**
 * Whose signature it must be. The server answers with the device as it is now ({@link currentAuthorKey}), a
 * reader with the key that the device had then ({@link authorKeyAt}). Either also sees to it that `by.head`
 * is the entry number `by.sequence` of the author's chain.
 */
export interface AuthorKeys {
  /**
   * @param issued - seconds since the epoch, as signed.
   * @returns the same `jwk` object each time where possible: it is imported once.
   * @throws KeyhavenError `SENDER_REVOKED`, `DEVICE_REVOKED`, `KEY_EXPIRED`, `SIGNATURE_INVALID`, and
   * whatever the directory throws.
   */
  signingKey(by: Author, issued: number): Awaitable<DeviceVerifyKey>
}

/**
 * For a reader: the key of a device at a time. An entry of a device that was renewed or revoked since stays
 * valid. A key signs from its record on until its end, until the device's next record, and until the device
 * is revoked or its chain reset, give or take {@link AUTHOR_SKEW_SECONDS}.
 *
 * A revoked device can still write an earlier time into what it signs. This function cannot see that. Against
 * it stand: the server accepts entries of current devices only; an entry is never dated before the one it
 * follows, and its author's chain is never older than the conversation has seen it; and once a key is made
 * without the device, it has no key for anything new. A server and a revoked device together can place an
 * entry between the last one and the revocation.
 *
 * @param keys - all that the directory ever recorded for the user.
 * @param by - `chain` may be left out where the statement does not name it: compare that of the answer.
 * @param at - seconds since the epoch.
 * @throws KeyhavenError `SIGNATURE_INVALID` if no such key was recorded, or only later; `SENDER_REVOKED`;
 * `KEY_EXPIRED`.
 */
export function authorKeyAt(
  keys: readonly RecordedKey[],
  by: { readonly device: string; readonly entry: string; readonly chain?: number },
  at: number,
): RecordedKey {
  const key = keys.find(({ device, entry }) => device === by.device && entry === by.entry)
  if (!key || (by.chain !== undefined && by.chain !== key.chain)) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the signing device is not in the directory')
  }
  if (at < key.issued - AUTHOR_SKEW_SECONDS) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'signed before the key was recorded')
  }
  if (key.revokedAt !== undefined && at > key.revokedAt + AUTHOR_SKEW_SECONDS) {
    throw new KeyhavenError('SENDER_REVOKED', 'signed after the device was revoked')
  }
  const end = Math.min(key.expires, key.supersededAt ?? key.expires)
  if (at > end + AUTHOR_SKEW_SECONDS) {
    throw new KeyhavenError('KEY_EXPIRED', 'signed with a key that had expired or was renewed')
  }
  return key
}

/**
 * For the server, which looks at the device as it is now.
 *
 * @param found - what the directory's `findDevice` gave for `by.device`.
 * @throws KeyhavenError `SIGNATURE_INVALID`, `DEVICE_REVOKED`, `KEY_EXPIRED`, `KEY_NOT_YET_VALID`, `CONFLICT`
 * if the device was renewed since.
 */
export function currentAuthorKey(
  found: { readonly username: string; readonly device: DeviceState } | undefined,
  by: Author,
): DeviceVerifyKey {
  if (!found || found.username !== by.username || found.device.chain !== by.chain) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the signing device is not in the directory')
  }
  const { status, record } = found.device
  if (status === 'revoked') throw new KeyhavenError('DEVICE_REVOKED', 'the device is revoked')
  if (status === 'expired') throw new KeyhavenError('KEY_EXPIRED', 'the key of the device has expired')
  if (status !== 'valid') throw new KeyhavenError('KEY_NOT_YET_VALID', 'the key is not valid yet')
  if (record.entry !== by.entry) {
    throw new KeyhavenError('CONFLICT', 'the device was renewed since: sign with its new key')
  }
  return { algorithm: PROFILES[record.profile].algorithm, jwk: record.signingKey }
}

const AUTHOR_MEMBERS = ['username', 'device', 'entry', 'chain', 'head', 'sequence']

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function readAuthor(value: unknown): Author {
  const json = requireMembers(value, AUTHOR_MEMBERS, 'by')
  return {
    username: requireUsername(json.username),
    device: requireDeviceId(json.device),
    entry: requireHash(json.entry, 'entry'),
    ...readPin(json),
  }
}

/** Members in the order in which they are signed. */
export function writeAuthor({ username, device, entry, chain, head, sequence }: Author): Author {
  return { username, device, entry, chain, head, sequence }
}

export function readPin(json: Readonly<Record<string, unknown>>): ChainPin {
  return {
    chain: requireWhole(json.chain, Number.MAX_SAFE_INTEGER, 'chain'),
    head: requireHash(json.head, 'head'),
    sequence: requireWhole(json.sequence, Number.MAX_SAFE_INTEGER, 'sequence'),
  }
}
