import { KeyhavenError } from '@keyhaven/crypto'
import {
  decodeKeyAnnouncement,
  type KeyAnnouncement,
  requireMaker,
  verifyKeyAnnouncement,
} from '../key/announcement.ts'
import { LEGACY_PROFILE } from '../key/legacy-profile.ts'
import { MAX_RECIPIENTS_PER_CALL } from '../key/limits.ts'
import { recipientTree } from '../key/recipients.ts'
import { MAX_WRAPPED_KEY_CHARACTERS, type WrappedRecipient } from '../key/wrapped-key.ts'
import { currentAuthorKey } from '../membership/author.ts'
import { type ConversationState, isCurrentMember } from '../membership/conversation-state.ts'
import { MAX_CLOCK_DIFFERENCE_SECONDS } from '../membership/limits.ts'
import { Undo } from './batch.ts'
import { MAX_INCOMPLETE_KEYS } from './limits.ts'
import type { ConversationTransaction } from './ports.ts'
import { AccessRefused } from './refusals.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import type { Caller, StoredKey, StoredRecipient } from './stored-rows.ts'

/** A sealed key as its maker sends it. */
export interface SealedKeyUpload {
  /** Compact JWS. */
  readonly announcement: string
  readonly recipients: readonly WrappedRecipient[]
}

/** An upload after what can be checked before the transaction. */
export interface CheckedUpload extends SealedKeyUpload {
  readonly announced: KeyAnnouncement
}

/**
 * The maker's signature, by the device as it is now.
 *
 * @throws KeyhavenError `ACCESS_DENIED` if another device signed it than sent it; `CLOCK_SKEW`; as
 * `verifyKeyAnnouncement`.
 */
export async function checkUpload(
  { backend, directory, clock }: ServiceContext,
  application: string,
  caller: Caller,
  upload: SealedKeyUpload,
): Promise<CheckedUpload> {
  requireRecipients(upload.recipients)
  const { by, conversation, key, issued } = decodeKeyAnnouncement(upload.announcement)
  if (by.username !== caller.username || by.device !== caller.device) {
    throw new KeyhavenError('ACCESS_DENIED', 'the announcement is not signed by the device that sent it')
  }
  requireNow(issued, clock())
  const found = await directory.findDevice(application, by.device)
  const announced = await verifyKeyAnnouncement(backend, upload.announcement, {
    ...{ application, conversation, key },
    authors: { signingKey: () => currentAuthorKey(found, by) },
  })
  return { ...upload, announced }
}

/** @throws KeyhavenError `CLOCK_SKEW` */
export function requireNow(issued: number, nowMs: number): void {
  if (Math.abs(issued - secondsOf(nowMs)) <= MAX_CLOCK_DIFFERENCE_SECONDS) return
  throw new KeyhavenError('CLOCK_SKEW', 'it is dated more than 5 minutes from now: set the clock')
}

/** @throws KeyhavenError `INPUT_INVALID` */
export function requireRecipients(recipients: readonly WrappedRecipient[]): void {
  const fits =
    recipients.length <= MAX_RECIPIENTS_PER_CALL &&
    recipients.every(({ wrapped }) => wrapped.length <= MAX_WRAPPED_KEY_CHARACTERS)
  if (!fits) {
    throw new KeyhavenError('INPUT_INVALID', `recipients: at most ${MAX_RECIPIENTS_PER_CALL} in one call`)
  }
}

/**
 * Whether the key is for this very membership, and its recipients for present members' devices only. Writes
 * nothing.
 *
 * @throws KeyhavenError `INPUT_INVALID`, `CONFLICT`, `SUITE_REFUSED`; AccessRefused.
 */
export async function judgeUpload(
  { backend }: Pick<ServiceContext, 'backend'>,
  tx: ConversationTransaction,
  state: ConversationState,
  { announced, recipients }: CheckedUpload,
): Promise<void> {
  if (state.mode !== 'sealed') throw new AccessRefused('conversation:rotate', 'mode')
  if (announced.conversation !== state.conversation) {
    throw new KeyhavenError('INPUT_INVALID', 'the key is of another conversation')
  }
  const { membership, algorithm } = announced
  if (membership.sequence !== state.sequence || membership.head !== state.head) {
    throw new KeyhavenError(
      'CONFLICT',
      'the key is made for another membership: fetch it, and make a new key',
    )
  }
  if (algorithm !== state.algorithm) {
    throw new KeyhavenError('SUITE_REFUSED', 'the key is for another algorithm than the conversation has')
  }
  requireMaker(state, announced)
  if ((await tx.findKey(state.application, announced.key)) !== undefined) {
    throw taken()
  }
  if (!recipients.some(({ device }) => device === announced.by.device)) {
    throw new KeyhavenError('INPUT_INVALID', 'recipients: the device that makes the key is not among them')
  }
  await judgeRecipients(tx, state, recipients)
  if (recipients.length > announced.recipients.count) throw tooMany()
  if (recipients.length === announced.recipients.count) {
    const { root } = await recipientTree(backend, recipients)
    if (root !== announced.recipients.root) throw otherThanAnnounced()
  }
}

/** @throws KeyhavenError `INPUT_INVALID` if one is no live device of a present member; `SUITE_REFUSED`. */
export async function judgeRecipients(
  tx: ConversationTransaction,
  state: ConversationState,
  recipients: readonly WrappedRecipient[],
): Promise<void> {
  const now = secondsOf(tx.now)
  const ids = recipients.map(({ device }) => device)
  if (new Set(ids).size !== ids.length) {
    throw new KeyhavenError('INPUT_INVALID', 'recipients: a device is named twice')
  }
  const devices = await tx.devices(state.application, ids)
  for (const { username, device } of recipients) {
    const member = state.members.get(username)
    const found = devices.get(device)
    const fits =
      member !== undefined &&
      isCurrentMember(member) &&
      found?.username === username &&
      found.chain === member.chain &&
      (found.endedAt === null || found.endedAt > now)
    if (!fits) {
      throw new KeyhavenError('INPUT_INVALID', 'recipients: one is no device of a present member: look it up')
    }
    if (found.profile === LEGACY_PROFILE) {
      throw new KeyhavenError('SUITE_REFUSED', 'recipients: a legacy device gets no sealed key')
    }
  }
}

/** After {@link judgeUpload}. @throws Undo if it was stored meanwhile. */
export async function storeUpload(
  { backend }: Pick<ServiceContext, 'backend'>,
  tx: ConversationTransaction,
  state: ConversationState,
  caller: Caller,
  { announced, announcement, recipients }: CheckedUpload,
): Promise<StoredKey> {
  const { application, conversation } = state
  const complete = recipients.length === announced.recipients.count
  const key: StoredKey = {
    id: announced.key,
    conversation,
    ordinal: await tx.nextOrdinal(application, conversation),
    mode: 'sealed',
    algorithm: announced.algorithm,
    membership: announced.membership,
    createdAt: tx.now,
    createdBy: { username: caller.username, device: caller.device },
    announcement,
    commitment: announced.commitment,
    recipients: announced.recipients.count,
    complete: false,
    supersededAt: null,
    erasedAt: null,
  }
  // Whoever begins keys and never ends them fills nothing.
  if (!complete) await tx.dropIncomplete(application, conversation, caller.device, MAX_INCOMPLETE_KEYS - 1)
  if (!(await tx.insertKey(application, key, null))) throw new Undo(taken())
  const rows: StoredRecipient[] = []
  if (complete) {
    const tree = await recipientTree(backend, recipients)
    for (const [position, recipient] of tree.recipients.entries()) {
      rows.push({ ...recipient, position, proof: tree.proof(position).proof })
    }
  } else rows.push(...recipients.map((recipient) => ({ ...recipient, position: null, proof: null })))
  await tx.insertRecipients(application, key.id, rows)
  if (!complete) return key
  await tx.makeCurrent(application, key)
  return { ...key, complete: true }
}

/** Places all recipients in the announced tree once they are there. Throws before it writes. */
export async function completeKey(
  { backend }: Pick<ServiceContext, 'backend'>,
  tx: ConversationTransaction,
  application: string,
  key: StoredKey,
  added: readonly WrappedRecipient[],
): Promise<boolean> {
  const present = await tx.allRecipients(application, key.id)
  const known = new Set(present.map(({ device }) => device))
  if (added.some(({ device }) => known.has(device))) {
    throw new KeyhavenError('CONFLICT', 'recipients: one is there already')
  }
  const count = present.length + added.length
  if (count > key.recipients) throw tooMany()
  const rows = added.map((recipient) => ({ ...recipient, position: null, proof: null }))
  if (count < key.recipients) {
    await tx.insertRecipients(application, key.id, rows)
    return false
  }
  const tree = await recipientTree(backend, [...present, ...added])
  const { recipients } = decodeKeyAnnouncement(key.announcement!)
  if (tree.root !== recipients.root) throw otherThanAnnounced()
  await tx.insertRecipients(application, key.id, rows)
  const places = tree.recipients.map(({ device }, position) => ({
    device,
    position,
    proof: tree.proof(position).proof,
  }))
  await tx.placeRecipients(application, key.id, places)
  await tx.makeCurrent(application, key)
  return true
}

function tooMany(): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', 'recipients: more than were announced')
}

function otherThanAnnounced(): KeyhavenError {
  return new KeyhavenError('INPUT_INVALID', 'recipients: they are not those that were announced')
}

function taken(): KeyhavenError {
  return new KeyhavenError('CONFLICT', 'this key is there already')
}
