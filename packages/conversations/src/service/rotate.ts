import { KeyhavenError } from '@keyhaven/crypto'
import type { KeyObject } from '../key/key-object.ts'
import type { WrappedRecipient } from '../key/wrapped-key.ts'
import type { ReleaseJob } from './batch.ts'
import { actorOf, liveDevice } from './callers.ts'
import type { IncompleteKey } from './conversation-service.ts'
import { makeManagedKey } from './managed-key.ts'
import type { ConversationTransaction } from './ports.ts'
import { AccessRefused, OperatorRefused, unknownHere } from './refusals.ts'
import { releasedKey } from './released-key.ts'
import {
  checkUpload,
  completeKey,
  judgeRecipients,
  judgeUpload,
  requireRecipients,
  type SealedKeyUpload,
  storeUpload,
} from './sealed-key.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import { requireMember } from './stays.ts'
import type { Caller, StoredConversation, StoredDeviceFacts } from './stored-rows.ts'

/** `ConversationService.rotate`. */
export async function rotate(
  context: ServiceContext,
  application: string,
  caller: Caller,
  conversation: string,
  upload?: SealedKeyUpload,
): Promise<KeyObject | IncompleteKey> {
  const checked = upload && (await checkUpload(context, application, caller, upload))
  const made = await context.commit<ReleaseJob | IncompleteKey>({
    locks: [{ application, conversation }],
    run: async (tx, batch) => {
      const device = await liveDevice(tx, application, caller, secondsOf(tx.now))
      const row = await requireRotator(tx, application, device, conversation)
      const state = await batch.stateOf(context.states, tx, row)
      if (checked === undefined && state.mode !== 'managed')
        throw new AccessRefused('conversation:rotate', 'mode')
      if (checked !== undefined) await judgeUpload(context, tx, state, checked)
      const key =
        checked === undefined
          ? await makeManagedKey(context, tx, state)
          : await storeUpload(context, tx, state, caller, checked)
      tx.audit({
        application,
        actor: actorOf(caller),
        action: 'conversation.rotate',
        subject: conversation,
        detail: { key: key.id, mode: key.mode, sequence: state.sequence },
      })
      if (!key.complete) return () => ({ id: key.id, complete: false })
      const to = { username: caller.username, device: caller.device }
      const release = batch.release({ application, key: key.id, ...to }, true)
      return () => release
    },
  })
  return 'complete' in made ? made : await releasedKey(context, made)
}

/** `ConversationService.addRecipients`: by the device that made the key, until they are all there. */
export async function addRecipients(
  context: ServiceContext,
  application: string,
  caller: Caller,
  keyId: string,
  recipients: readonly WrappedRecipient[],
): Promise<{ readonly complete: boolean }> {
  requireRecipients(recipients)
  return await context.commit({
    locks: [{ application, key: keyId }],
    run: async (tx, batch) => {
      const device = await liveDevice(tx, application, caller, secondsOf(tx.now))
      const key = await tx.findKey(application, keyId)
      if (key === undefined) throw unknownHere()
      const row = await requireRotator(tx, application, device, key.conversation)
      if (key.createdBy?.device !== caller.device) throw new AccessRefused('conversation:rotate', 'role')
      if (key.complete) throw new KeyhavenError('CONFLICT', 'recipients: they are all there')
      const state = await batch.stateOf(context.states, tx, row)
      if (key.membership.head !== state.head) {
        throw new KeyhavenError('CONFLICT', 'the membership has changed since: make a new key')
      }
      await judgeRecipients(tx, state, recipients)
      const complete = await completeKey(context, tx, application, key, recipients)
      return () => ({ complete })
    },
  })
}

/** `ConversationService.rotateByOperator`. */
export async function rotateByOperator(
  context: ServiceContext,
  application: string,
  conversation: string,
  actor: string,
): Promise<string> {
  return await context.commit({
    locks: [{ application, conversation }],
    run: async (tx, batch) => {
      const row = await tx.findConversation(application, conversation)
      if (row === undefined) throw unknownHere()
      const state = await batch.stateOf(context.states, tx, row)
      if (state.mode !== 'managed') {
        throw new OperatorRefused(
          'sealed',
          'the keys of a sealed conversation are made on its members’ devices: who may write there rotates',
        )
      }
      const { id } = await makeManagedKey(context, tx, state)
      tx.audit({
        ...{ application, actor, action: 'conversation.rotate', subject: conversation },
        detail: { key: id, mode: 'managed', sequence: state.sequence },
      })
      return () => id
    },
  })
}

/** Whoever may write may make keys. @throws KeyhavenError `NOT_FOUND`; AccessRefused. */
async function requireRotator(
  tx: ConversationTransaction,
  application: string,
  device: StoredDeviceFacts,
  conversation: string,
): Promise<StoredConversation> {
  requireMember(await tx.stays(application, conversation, device.username), device, 'conversation:rotate')
  const row = await tx.findConversation(application, conversation)
  if (row === undefined) throw unknownHere()
  return row
}
