import { KeyhavenError } from '@keyhaven/crypto'
import { decodeKeyShare, type KeyShare, verifyKeyShare } from '../key/key-share.ts'
import { LEGACY_PROFILE } from '../key/legacy-profile.ts'
import { MAX_WRAPPED_KEY_CHARACTERS } from '../key/wrapped-key.ts'
import { currentAuthorKey } from '../membership/author.ts'
import { actorOf, liveDevice } from './callers.ts'
import type { ConversationTransaction } from './ports.ts'
import { AccessRefused, unknownHere } from './refusals.ts'
import { requireNow } from './sealed-key.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import { permissionOf, requireReadable } from './stays.ts'
import type { Caller, StoredDeviceFacts, StoredKey } from './stored-rows.ts'

/** Of one device in one conversation. */
const MAX_WAITING_REQUESTS = 10_000

/** `ConversationService.requestKey`: a device waits until another one hands the key on. */
export async function requestKey(
  context: ServiceContext,
  application: string,
  caller: Caller,
  keyId: string,
): Promise<void> {
  await context.commit({
    locks: [{ application, key: keyId }],
    run: async (tx) => {
      const device = await liveDevice(tx, application, caller, secondsOf(tx.now))
      const key = await readableKey(tx, application, keyId, device)
      const waiting = await tx.countRequests(application, key.conversation, caller.device)
      if (waiting >= MAX_WAITING_REQUESTS) {
        throw new KeyhavenError('RATE_LIMITED', 'too many requests of this device wait')
      }
      const { username, device: id } = caller
      await tx.insertRequest(application, {
        ...{ username, device: id, conversation: key.conversation, key: keyId, requestedAt: tx.now },
      })
      return () => undefined
    },
  })
}

/**
 * `ConversationService.share`: hands a key on to a device that may read it and has asked for it. Nobody can
 * see whether it is the key: whoever got a useless one asks again, and then another member answers.
 */
export async function shareKey(
  context: ServiceContext,
  application: string,
  caller: Caller,
  keyId: string,
  { share: text, wrapped }: { readonly share: string; readonly wrapped: string },
): Promise<void> {
  if (wrapped.length > MAX_WRAPPED_KEY_CHARACTERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'the wrapped key is too long')
  }
  const decoded = decodeKeyShare(text)
  const { by, conversation, issued } = decoded
  if (by.username !== caller.username || by.device !== caller.device) {
    throw new KeyhavenError('ACCESS_DENIED', 'the share is not signed by the device that sent it')
  }
  requireNow(issued, context.clock())
  const found = await context.directory.findDevice(application, by.device)
  const share = await verifyKeyShare(context.backend, text, {
    ...{ application, conversation, key: keyId, to: decoded.to },
    authors: { signingKey: () => currentAuthorKey(found, by) },
  })
  const { to } = share
  await context.commit({
    locks: [{ application, key: keyId }],
    run: async (tx) => {
      const now = secondsOf(tx.now)
      const sharer = await liveDevice(tx, application, caller, now)
      const key = await readableKey(tx, application, keyId, sharer)
      if (key.conversation !== conversation || key.commitment !== share.commitment) {
        throw new KeyhavenError('INPUT_INVALID', 'the share is of another key')
      }
      const reader = await tx.findDevice(application, to.device)
      const live = reader?.username === to.username && (reader.endedAt === null || reader.endedAt > now)
      if (!live) throw new KeyhavenError('INPUT_INVALID', 'to: no such device of the user')
      await requireReader(tx, application, key, reader)
      // Else anybody could put a useless share in front of what the maker has wrapped.
      if (!(await tx.hasRequest(application, key, to.device))) {
        throw new KeyhavenError('CONFLICT', 'the device does not wait for this key')
      }
      const present = await tx.findShare(application, keyId, to.device)
      if (present !== undefined && isRepeated(present.share, share)) {
        throw new KeyhavenError(
          'CONFLICT',
          'the device had this from you, and asked again: leave it to others',
        )
      }
      await tx.saveShare(application, key, {
        ...{ username: to.username, device: to.device, share: text, wrapped, sharedAt: tx.now },
      })
      tx.audit({
        ...{ application, actor: actorOf(caller), action: 'conversation.share', subject: keyId },
        detail: { conversation, username: to.username, device: to.device },
      })
      return () => undefined
    },
  })
}

/** From the same member, for the same encryption key: it would be the same again. */
function isRepeated(present: string, { by, to }: KeyShare): boolean {
  const before = decodeKeyShare(present)
  return before.by.username === by.username && before.to.key === to.key
}

/** A sealed key that the device may read. @throws KeyhavenError `NOT_FOUND`; AccessRefused. */
async function readableKey(
  tx: ConversationTransaction,
  application: string,
  keyId: string,
  device: StoredDeviceFacts,
): Promise<StoredKey> {
  const key = await tx.findKey(application, keyId)
  if (key === undefined) throw unknownHere()
  const stays = await tx.stays(application, key.conversation, device.username)
  if (stays.length === 0) throw unknownHere()
  if (key.mode !== 'sealed') throw new AccessRefused('conversation:read', 'mode')
  requireReadable(stays, device, readable(key))
  if (key.erasedAt !== null) throw new AccessRefused('conversation:read', 'erased')
  return key
}

/**
 * @throws KeyhavenError `ACCESS_DENIED` if the device that it is for may not read the key; `SUITE_REFUSED`.
 */
async function requireReader(
  tx: ConversationTransaction,
  application: string,
  key: StoredKey,
  reader: StoredDeviceFacts,
): Promise<void> {
  if (reader.profile === LEGACY_PROFILE) {
    throw new KeyhavenError('SUITE_REFUSED', 'to: a legacy device gets no sealed key')
  }
  const stays = await tx.stays(application, key.conversation, reader.username)
  if (permissionOf(stays, reader, readable(key)).allowed) return
  throw new KeyhavenError('ACCESS_DENIED', 'to: this device may not read the key')
}

function readable(key: StoredKey) {
  return { membership: key.membership.sequence, madeAt: secondsOf(key.createdAt), mode: key.mode }
}
