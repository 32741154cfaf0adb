import { KeyhavenError } from '@keyhaven/crypto'
import { type Author, currentAuthorKey } from '../membership/author.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import {
  decodeMembershipEntry,
  type MembershipEntry,
  membershipHash,
  membershipItem,
} from '../membership/entry.ts'
import { extendMembership, foldMembership } from '../membership/fold-membership.ts'
import { type Batch, type ReleaseJob, Undo } from './batch.ts'
import { actorOf, liveDevice } from './callers.ts'
import { requireChains } from './chain-positions.ts'
import type { EntryInput, LoggedEntry } from './conversation-service.ts'
import { CREATION_WINDOW_MS, MAX_CREATIONS } from './limits.ts'
import { makeManagedKey } from './managed-key.ts'
import type { ConversationTransaction } from './ports.ts'
import { MembershipConflict, unknownHere } from './refusals.ts'
import { requireHolders } from './require-holders.ts'
import { type CheckedUpload, checkUpload, judgeUpload, requireNow, storeUpload } from './sealed-key.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import { changedStays, requireMember } from './stays.ts'
import type { Caller, StoredConversation, StoredKey } from './stored-rows.ts'

/** An entry after what can be checked before the transaction. */
interface Submission {
  readonly application: string
  readonly caller: Caller
  readonly text: string
  readonly hash: string
  readonly entry: MembershipEntry
  /** Of the first entry: what it begins. */
  readonly begun: ConversationState | undefined
  readonly authors: { signingKey(by: Author): ReturnType<typeof currentAuthorKey> }
  readonly upload: CheckedUpload | undefined
  readonly acceptLoss: boolean
}

/** `ConversationService.create` and `append`. @param id - of the conversation; undefined: a new one. */
export async function acceptEntry(
  context: ServiceContext,
  application: string,
  caller: Caller,
  id: string | undefined,
  input: EntryInput,
): Promise<{ readonly entry: LoggedEntry; readonly release: ReleaseJob | undefined }> {
  const submission = await check(context, application, caller, input)
  const { conversation, kind } = submission.entry
  if ((id === undefined) !== (kind === 'create') || (id ?? conversation) !== conversation) {
    throw new KeyhavenError('INPUT_INVALID', 'the entry belongs to another place')
  }
  return await context.commit({
    locks: [{ application, conversation }],
    run: (tx, batch) => accept(context, tx, batch, submission),
  })
}

async function check(
  context: ServiceContext,
  application: string,
  caller: Caller,
  { entry: text, key, acceptLoss = false }: EntryInput,
): Promise<Submission> {
  const entry = decodeMembershipEntry(text)
  const { by } = entry
  if (by.username !== caller.username || by.device !== caller.device) {
    throw new KeyhavenError('ACCESS_DENIED', 'the entry is not signed by the device that sent it')
  }
  if (entry.application !== application) {
    throw new KeyhavenError('ACCESS_DENIED', 'the entry is for another application')
  }
  requireNow(entry.issued, context.clock())
  const found = await context.directory.findDevice(application, by.device)
  const upload = key && (await checkUpload(context, application, caller, key))
  const authors = { signingKey: (author: Author) => currentAuthorKey(found, author) }
  const { backend } = context
  const { conversation, kind } = entry
  // Before anything is looked up: under the id of somebody else's conversation it is refused as under any other.
  const begun =
    kind === 'create'
      ? await foldMembership(backend, [text], { application, conversation, authors })
      : undefined
  const hash = await membershipHash(backend, text)
  return { application, caller, text, hash, entry, begun, authors, upload, acceptLoss }
}

async function accept(
  context: ServiceContext,
  tx: ConversationTransaction,
  batch: Batch,
  submission: Submission,
): Promise<() => { entry: LoggedEntry; release: ReleaseJob | undefined }> {
  const { application, caller, entry, hash, text, upload } = submission
  const { conversation: id } = entry
  const device = await liveDevice(tx, application, caller, secondsOf(tx.now))
  const row = await tx.findConversation(application, id)
  const before = row && (await standing(context, tx, batch, submission, row, device))
  const after = await judge(context, submission, before)
  await requireChains(tx, application, entry)
  if (row === undefined) await requireFewCreated(tx, application, caller)
  if (upload !== undefined) await judgeUpload(context, tx, after, upload)
  if (entry.kind === 'remove' && after.mode === 'sealed' && !submission.acceptLoss) {
    await requireHolders(tx, after, entry.username)
  }

  // From here on it writes.
  const stored = rowOf(after, row, tx.now)
  if (row === undefined) {
    if (!(await tx.insertConversation(stored))) throw new Undo(new MembershipConflict(0, null))
  } else await tx.saveConversation(stored)
  await tx.saveStays(application, id, changedStays(before, after))
  const key = await nextKey(context, tx, after, submission)
  batch.advance(after)
  const { sequence, kind } = entry
  const by = { username: caller.username, device: caller.device }
  const entryRow = { sequence, entry: text, hash, kind, by, acceptedAt: tx.now }
  const pending = batch.addEntry(application, id, entryRow, membershipItem(text))
  tx.audit({
    application,
    actor: actorOf(caller),
    action: kind === 'create' ? 'conversation.create' : 'conversation.change',
    subject: id,
    detail: { kind, sequence, head: hash, mode: after.mode, key: key?.id ?? null },
  })
  const mayRead = after.members.get(caller.username)?.periods.at(-1)?.to === undefined
  const release =
    key?.complete && mayRead ? batch.release({ application, key: key.id, ...by }, true) : undefined
  return () => {
    context.states.keep(after)
    return {
      entry: { entry: text, acceptedAt: secondsOf(tx.now), commitment: pending.commitment! },
      release,
    }
  }
}

/** @throws MembershipConflict unless it is made for the newest entry; as `requireMember`. */
async function standing(
  context: ServiceContext,
  tx: ConversationTransaction,
  batch: Batch,
  { application, caller, entry }: Submission,
  row: StoredConversation,
  device: Parameters<typeof requireMember>[1],
): Promise<ConversationState> {
  // Readers may leave; what else they may, the fold says. Before the conflict: a stranger learns nothing.
  requireMember(await tx.stays(application, row.id, caller.username), device, 'conversation:read')
  if (entry.kind === 'create' || entry.sequence !== row.sequence + 1 || entry.previous !== row.head) {
    throw new MembershipConflict(row.sequence, row.head)
  }
  return await batch.stateOf(context.states, tx, row)
}

async function judge(
  { backend }: ServiceContext,
  { begun, text, authors }: Submission,
  before: ConversationState | undefined,
): Promise<ConversationState> {
  if (before !== undefined) return await extendMembership(backend, before, [text], { authors })
  // What is not there is answered as what is hidden.
  if (begun === undefined) throw unknownHere()
  return begun
}

/** @throws KeyhavenError `RATE_LIMITED` */
async function requireFewCreated(
  tx: ConversationTransaction,
  application: string,
  { username }: Caller,
): Promise<void> {
  const created = await tx.countCreated(application, username, tx.now - CREATION_WINDOW_MS)
  if (created < MAX_CREATIONS) return
  throw new KeyhavenError(
    'RATE_LIMITED',
    `you have created ${MAX_CREATIONS} conversations within a day: wait, or use one that you have`,
  )
}

function rowOf(
  state: ConversationState,
  before: StoredConversation | undefined,
  now: number,
): StoredConversation {
  const { application, conversation: id, sequence, head, mode, history, rotation, retention } = state
  return {
    ...{ application, id, sequence, head, mode, history, rotation, retention },
    createdAt: before?.createdAt ?? now,
    createdBy: before?.createdBy ?? state.createdBy.username,
    changedAt: now,
    currentKey: before?.currentKey ?? null,
  }
}

/** Each change of the membership makes a new key: the server's, or the one that came with the entry. */
async function nextKey(
  context: ServiceContext,
  tx: ConversationTransaction,
  state: ConversationState,
  { application, caller, entry, upload }: Submission,
): Promise<StoredKey | undefined> {
  if (state.mode === 'managed') return await makeManagedKey(context, tx, state)
  if (entry.kind === 'mode') await tx.dropCurrent(application, state.conversation)
  return upload && (await storeUpload(context, tx, state, caller, upload))
}
