import {
  malformed,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireUsername,
  requireWhole,
} from '@keyhaven/messaging'
import { requireId } from '../membership/ids.ts'
import { MAX_TIME_SECONDS } from '../membership/limits.ts'
import { type Commitment, readCommitment } from '../receipt/commitment.ts'
import { type ConversationAlgorithm, requireConversationAlgorithm } from './algorithm.ts'
import { MAX_ANNOUNCEMENT_CHARACTERS, type MembershipHead, readMembershipHead } from './announcement.ts'
import { MAX_KEY_SHARE_CHARACTERS } from './key-share.ts'
import { MAX_KEY_RECIPIENTS, type RecipientProof } from './recipients.ts'
import { MAX_WRAPPED_KEY_CHARACTERS } from './wrapped-key.ts'

/** Hashes in a proof over {@link MAX_KEY_RECIPIENTS}. */
const MAX_RECIPIENT_PROOF_HASHES = 16

interface KeyObjectCommon {
  /** 16 bytes, base64url: the `objectid` of a message. */
  readonly id: string
  readonly conversation: string
  readonly algorithm: ConversationAlgorithm
  readonly membership: MembershipHead
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly createdBy: { readonly username: string; readonly device: string } | 'server'
  /** Of the release's receipt. */
  readonly receipt?: Commitment
}

export interface ManagedKeyObject extends KeyObjectCommon {
  readonly mode: 'managed'
  /** 32 bytes, base64url. */
  readonly key: string
}

/** A sealed key as one device gets it: from its maker with `proof`, or from another device with `share`. */
export interface SealedKeyObject extends KeyObjectCommon {
  readonly mode: 'sealed'
  /** The maker's, a JWS. */
  readonly announcement: string
  /** base64url. */
  readonly wrapped: string
  /** That this device is among the announced recipients. */
  readonly proof?: RecipientProof
  /** Of the device that handed the key on, a JWS. */
  readonly share?: string
}

/** What the key server answers: a key with its id. */
export type KeyObject = ManagedKeyObject | SealedKeyObject

const COMMON = ['id', 'conversation', 'algorithm', 'mode', 'membership', 'createdAt', 'createdBy', 'receipt?']

/** @throws KeyhavenError `WIRE_MALFORMED`, `SUITE_REFUSED` */
export function readKeyObject(value: unknown): KeyObject {
  const mode = typeof value === 'object' && value !== null && (value as { mode?: unknown }).mode
  const own = mode === 'managed' ? ['key'] : ['announcement', 'wrapped', 'proof?', 'share?']
  const json = requireMembers(value, [...COMMON, ...own], 'key object')
  const common = {
    id: requireId(json.id, 'key'),
    conversation: requireId(json.conversation, 'conversation'),
    algorithm: requireConversationAlgorithm(json.algorithm),
    membership: readMembershipHead(json.membership),
    createdAt: requireWhole(json.createdAt, MAX_TIME_SECONDS, 'createdAt'),
    createdBy: readMaker(json.createdBy),
    ...(json.receipt !== undefined && { receipt: readCommitment(json.receipt) }),
  }
  if (mode === 'managed') return { ...common, mode, key: requireHash(json.key, 'key') }
  const { announcement, wrapped, proof, share } = json
  if (mode !== 'sealed' || (proof === undefined) === (share === undefined)) throw malformed('key object')
  return {
    ...common,
    mode,
    announcement: requireText(announcement, MAX_ANNOUNCEMENT_CHARACTERS),
    wrapped: requireText(wrapped, MAX_WRAPPED_KEY_CHARACTERS),
    ...(proof !== undefined && { proof: readProof(proof) }),
    ...(share !== undefined && { share: requireText(share, MAX_KEY_SHARE_CHARACTERS) }),
  }
}

function readMaker(value: unknown): KeyObject['createdBy'] {
  if (value === 'server') return value
  const json = requireMembers(value, ['username', 'device'], 'createdBy')
  return { username: requireUsername(json.username), device: requireDeviceId(json.device) }
}

function readProof(value: unknown): RecipientProof {
  const { index, proof } = requireMembers(value, ['index', 'proof'], 'recipient proof')
  if (!Array.isArray(proof) || proof.length > MAX_RECIPIENT_PROOF_HASHES) throw malformed('recipient proof')
  return {
    index: requireWhole(index, MAX_KEY_RECIPIENTS - 1, 'index'),
    proof: proof.map((hash) => requireHash(hash, 'recipient proof')),
  }
}

function requireText(value: unknown, maxCharacters: number): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxCharacters) {
    throw malformed('key object')
  }
  return value
}
