import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import {
  type DeviceSigner,
  malformed,
  requireApplication,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from '@keyhaven/messaging'
import { type Author, type AuthorKeys, readAuthor, writeAuthor } from '../membership/author.ts'
import { requireId } from '../membership/ids.ts'
import { MAX_TIME_SECONDS } from '../membership/limits.ts'
import { openStatement, requireSignature, signStatement } from '../membership/statement.ts'
import { type AnnouncedKey, requireSameKey } from './announcement.ts'

export const KEY_SHARE_TYP = 'keyhaven-key-share+jws'
export const MAX_KEY_SHARE_CHARACTERS = 4_096
const FORM = { typ: KEY_SHARE_TYP, maxBytes: MAX_KEY_SHARE_CHARACTERS }

/**
 * A member device hands a sealed key on to a late joiner or a new device: compact JWS, header exactly `{alg,
 * typ: 'keyhaven-key-share+jws'}`, alg EdDSA or PS256. The receiver compares the commitment with the one in
 * the maker's announcement.
 */
export interface KeyShare {
  readonly v: 1
  readonly application: string
  readonly conversation: string
  /** Id of the key. */
  readonly key: string
  /** `commitmentOfKey`, base64url. */
  readonly commitment: string
  /** `key`: thumbprint of the encryption key that it is wrapped for. */
  readonly to: { readonly username: string; readonly device: string; readonly key: string }
  /** Seconds since the epoch. */
  readonly issued: number
  readonly by: Author
}

/**
 * @throws KeyhavenError `SUITE_REFUSED` for a legacy device; `WIRE_MALFORMED` on fields that would be
 * refused.
 */
export async function signKeyShare(signer: DeviceSigner, fields: Omit<KeyShare, 'v'>): Promise<string> {
  return signStatement(signer, FORM, readShare({ v: 1, ...fields }))
}

/** NOT verified. Throws as {@link verifyKeyShare}. */
export function decodeKeyShare(share: string): KeyShare {
  return readShare(openStatement(share, FORM))
}

/**
 * @throws KeyhavenError `SIGNATURE_INVALID`, also if it is for another key, conversation or device;
 * `WIRE_MALFORMED`, `WIRE_TOO_LARGE`, `SUITE_REFUSED`; whatever `authors` throws.
 */
export async function verifyKeyShare(
  backend: CryptoBackend,
  share: string,
  expected: AnnouncedKey & {
    readonly to: { readonly username: string; readonly device: string }
    readonly authors: AuthorKeys
  },
): Promise<KeyShare> {
  const decoded = decodeKeyShare(share)
  requireSameKey(decoded, expected)
  const { to } = decoded
  if (to.username !== expected.to.username || to.device !== expected.to.device) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the key is shared with another device')
  }
  const key = await expected.authors.signingKey(decoded.by, decoded.issued)
  await requireSignature(backend, key, share, FORM)
  return decoded
}

const MEMBERS = ['v', 'application', 'conversation', 'key', 'commitment', 'to', 'issued', 'by']

function readShare(value: unknown): KeyShare {
  const json = requireMembers(value, MEMBERS, 'key share')
  if (json.v !== 1) throw malformed('key share version')
  const to = requireMembers(json.to, ['username', 'device', 'key'], 'to')
  return {
    v: 1,
    application: requireApplication(json.application),
    conversation: requireId(json.conversation, 'conversation'),
    key: requireId(json.key, 'key'),
    commitment: requireHash(json.commitment, 'commitment'),
    to: {
      username: requireUsername(to.username),
      device: requireDeviceId(to.device),
      key: requireHash(to.key, 'thumbprint'),
    },
    issued: requireWhole(json.issued, MAX_TIME_SECONDS, 'issued'),
    by: writeAuthor(readAuthor(json.by)),
  }
}
