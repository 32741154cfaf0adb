import { overwrite, toBase64url } from '@keyhaven/crypto'
import { type KeyAnnouncement, requireMaker, verifyKeyAnnouncement } from '../key/announcement.ts'
import type { SealedKeyObject } from '../key/key-object.ts'
import { verifyKeyShare } from '../key/key-share.ts'
import { verifyRecipient } from '../key/recipients.ts'
import { unwrapConversationKey } from '../key/wrapped-key.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import { AUTHOR_SKEW_SECONDS } from '../membership/limits.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError, hasCode, invalidRecord } from './conversation-error.ts'
import type { KeyAsks } from './key-asks.ts'

export interface OpenedKey {
  /** 32 bytes, base64url. */
  readonly key: string
  /** Seconds since the epoch, as its maker signed it. */
  readonly madeAt: number
  /** Device that made it. */
  readonly by: string
}

/**
 * Verifies who made a sealed key and who handed it on, and unwraps it.
 *
 * @param state - knows the membership that the key was made for.
 * @throws KeyhavenError `RECORD_INVALID`, `ACCESS_DENIED` if its maker might not make it, `CLOCK_SKEW`,
 * `PROOF_INVALID` if this device is not among those it was made for, `KEY_PENDING` if this device has erased
 * what it was wrapped for; as `verifyKeyAnnouncement`, `verifyKeyShare`, `unwrapConversationKey`.
 */
export async function openSealedKey(
  context: ClientContext,
  state: ConversationState,
  object: SealedKeyObject,
  asks: KeyAsks,
): Promise<OpenedKey> {
  const { application, backend, people: authors, now } = context
  const { id, conversation, membership } = object
  const expected = { application, conversation, key: id, authors }
  const announced = await verifyKeyAnnouncement(backend, object.announcement, expected)
  const { head, sequence } = announced.membership
  if (head !== membership.head || sequence !== membership.sequence) {
    throw invalidRecord('the key was made for another membership than the server says')
  }
  requireMaker(state, announced)
  if (announced.issued > now() + AUTHOR_SKEW_SECONDS) {
    throw new ConversationError('CLOCK_SKEW', "the key is from the future: check this device's clock")
  }
  const key = await unwrap(context, state, object, announced, asks).catch(async (error: unknown) => {
    // Whoever shared it may have shared nothing: others are asked.
    if (object.share !== undefined && !hasCode(error, 'KEY_PENDING')) await asks.tryAnew(id)
    throw error
  })
  // A time ahead would hide what happened to devices until then.
  return { key, madeAt: Math.min(announced.issued, now()), by: announced.by.device }
}

async function unwrap(
  context: ClientContext,
  { members }: ConversationState,
  object: SealedKeyObject,
  announced: KeyAnnouncement,
  asks: KeyAsks,
): Promise<string> {
  const { backend, application, me, people: authors } = context
  const { id, conversation, share, wrapped } = object
  const expected = { application, conversation, key: id, authors }
  const self = { username: me.username, device: me.device }
  let from = announced.by.device
  let thumbprint: string
  if (share === undefined) thumbprint = await ownPlace(context, object, announced, asks)
  else {
    const shared = await verifyKeyShare(backend, share, { ...expected, to: self })
    if (shared.commitment !== announced.commitment) {
      throw invalidRecord('another key was shared than was announced')
    }
    if (!members.has(shared.by.username)) {
      throw invalidRecord('the key was shared by somebody who never was a member')
    }
    from = shared.by.device
    thumbprint = shared.to.key
  }
  const encryptionKey = await me.findEncryptionKey(thumbprint)
  if (!encryptionKey) {
    await asks.ask(id)
    throw new ConversationError('KEY_PENDING', 'this device has erased what the key was wrapped for')
  }
  const place = { application, conversation, key: id, from, to: { ...self, thumbprint } }
  const key = await unwrapConversationKey(backend, encryptionKey, place, wrapped, announced.commitment)
  const text = toBase64url(key)
  overwrite(key)
  return text
}

/** Which encryption key of this device is among the announced recipients. */
async function ownPlace(
  { backend, me }: ClientContext,
  { id, proof }: SealedKeyObject,
  { recipients }: KeyAnnouncement,
  asks: KeyAsks,
): Promise<string> {
  const { username, device } = me
  for (const thumbprint of await me.encryptionThumbprints()) {
    try {
      await verifyRecipient(backend, { username, device, thumbprint }, proof!, recipients)
      return thumbprint
    } catch (error) {
      if (!hasCode(error, 'PROOF_INVALID')) throw error
    }
  }
  // What it fails with is told; whether others could be asked is not the question.
  await asks.ask(id).catch(() => undefined)
  throw new ConversationError(
    'PROOF_INVALID',
    'the key was not made for this device, or for what it has erased (another device was asked)',
  )
}
