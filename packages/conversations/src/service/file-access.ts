import type { Batch } from './batch.ts'
import { actorOf, liveDevice } from './callers.ts'
import type { LoggedReceipt, ReadableFile } from './conversation-service.ts'
import type { ConversationReads, ConversationTransaction } from './ports.ts'
import { AccessRefused, unknownHere } from './refusals.ts'
import { committed } from './released-key.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import { requireMember, requireReadable } from './stays.ts'
import type { Caller } from './stored-rows.ts'

/** `ConversationService.mayWrite`. */
export async function mayWrite(
  { store: { reads }, clock }: ServiceContext,
  application: string,
  caller: Caller,
  conversation: string,
): Promise<{ readonly membership: number }> {
  const device = await liveDevice(reads, application, caller, secondsOf(clock()))
  requireMember(await reads.stays(application, conversation, caller.username), device, 'conversation:write')
  const row = await reads.findConversation(application, conversation)
  if (row === undefined) throw unknownHere()
  return { membership: row.sequence }
}

/** `ConversationService.mayManage`. */
export async function mayManage(
  { store: { reads }, clock }: ServiceContext,
  application: string,
  caller: Caller,
  conversation: string,
): Promise<void> {
  const device = await liveDevice(reads, application, caller, secondsOf(clock()))
  const stays = await reads.stays(application, conversation, caller.username)
  const { role } = requireMember(stays, device, 'conversation:change')
  if (role !== 'owner' && role !== 'admin') throw new AccessRefused('conversation:change', 'role')
}

/** A file is read like a key that was made when the file was begun. @returns the rule that allows it. */
export async function readRuleOf(
  reads: ConversationReads,
  application: string,
  caller: Caller,
  file: ReadableFile,
  now: number,
): Promise<string> {
  const device = await liveDevice(reads, application, caller, now)
  const stays = await reads.stays(application, file.conversation, caller.username)
  // The file's own key is inside a message: the mode says nothing about it.
  const made = { membership: file.membership, madeAt: secondsOf(file.createdAt), mode: 'managed' as const }
  return requireReadable(stays, device, made)
}

/** `ConversationService.recordFileRead`. */
export async function recordFileRead(
  context: ServiceContext,
  application: string,
  caller: Caller,
  file: ReadableFile,
): Promise<LoggedReceipt> {
  return await context.commit({
    locks: [{ application, conversation: file.conversation }],
    run: (tx, batch) => record(tx, batch, application, caller, file),
  })
}

async function record(
  tx: ConversationTransaction,
  batch: Batch,
  application: string,
  caller: Caller,
  file: ReadableFile,
): Promise<() => LoggedReceipt> {
  const at = secondsOf(tx.now)
  const rule = await readRuleOf(tx, application, caller, file, at)
  const { conversation, id: object } = file
  const to = { username: caller.username, device: caller.device }
  let answer: (() => LoggedReceipt) | undefined
  batch.addReceipt({ application, conversation, kind: 'file', object, to, rule, at }, (receipt, pending) => {
    answer = () => ({ receipt, commitment: committed(pending) })
  })
  tx.audit({
    ...{ application, actor: actorOf(caller), action: 'conversation.file', subject: object },
    detail: { conversation, rule },
  })
  return () => answer!()
}
