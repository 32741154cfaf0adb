import { KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { decodeMembershipEntry } from '../membership/entry.ts'
import { rotationDue } from '../membership/rotation-due.ts'
import type { Mode } from '../membership/rules.ts'
import { decodeReceipt } from '../receipt/receipt.ts'
import { liveDevice } from './callers.ts'
import type {
  ConversationSummary,
  ConversationView,
  LoggedEntry,
  LoggedReceipt,
  LogProofs,
} from './conversation-service.ts'
import type { ConversationReads } from './ports.ts'
import { AccessRefused, unknownHere } from './refusals.ts'
import { type ServiceContext, secondsOf } from './service-context.ts'
import { requireMember } from './stays.ts'
import type { Caller, StoredConversation, StoredRecipient, StoredStay } from './stored-rows.ts'

/** Entries of one answer; a large one may fill it alone. */
const MAX_ENTRIES = 200
const MAX_ENTRY_CHARACTERS = 4_194_304

/** `ConversationService.show`. A former member sees the chain up to the entry that removed him. */
export async function showConversation(
  context: ServiceContext,
  application: string,
  caller: Caller,
  id: string,
  { after, messages }: { readonly after: number; readonly messages?: number },
): Promise<ConversationView> {
  const { reads } = context.store
  const now = secondsOf(context.clock())
  const { row, stay } = await visible(reads, application, caller, id, now)
  const end = stay.to ?? row.sequence
  const rows = (await reads.entries(application, id, after, MAX_ENTRIES)).filter(
    ({ sequence }) => sequence <= end,
  )
  const shown: LoggedEntry[] = []
  let characters = 0
  for (const { entry, acceptedAt, commitment } of rows) {
    characters += entry.length
    if (shown.length > 0 && characters > MAX_ENTRY_CHARACTERS) break
    shown.push({ entry, acceptedAt: secondsOf(acceptedAt), commitment })
  }
  const last = after + shown.length
  const former = stay.to !== null
  const head = end === row.sequence ? row.head : (await reads.entries(application, id, end - 1, 1))[0]!.hash
  const facts = former ? undefined : await currentKey(context, application, row, { now, messages })
  return {
    entries: shown,
    sequence: end,
    head,
    mode: former ? await modeAt(reads, row, end) : row.mode,
    currentKey: facts?.id ?? null,
    rotationDue: facts?.due ?? null,
    holders: facts?.holders ?? null,
    ...(await proofs(
      context,
      application,
      shown.map(({ commitment }) => commitment.logIndex),
    )),
    nextAfter: last < end && shown.length > 0 ? last : null,
  }
}

async function currentKey(
  { store: { reads } }: ServiceContext,
  application: string,
  row: StoredConversation,
  { now, messages = 0 }: { readonly now: number; readonly messages?: number | undefined },
) {
  const key = row.currentKey === null ? undefined : await reads.findKey(application, row.currentKey)
  const madeAt = key === undefined ? 0 : secondsOf(key.createdAt)
  const { leftAt, joinedAt } = await reads.deviceChanges(application, row.id, madeAt, now)
  // The dates of members' own rules are few; they come with their stays.
  const dates = await reads.ruleDates(application, row.id)
  const state = { ...row, members: new Map() }
  const usable = key && { membership: key.membership.sequence, madeAt, mode: key.mode }
  const due =
    rotationDue(state, usable, { now, messages, deviceLeftAt: leftAt, deviceJoinedAt: joinedAt }) ??
    (dates.some((date) => madeAt < date && date <= now) ? ('rule' as const) : null)
  const holders = key?.mode === 'sealed' ? await reads.holders(application, key.id, now) : null
  return { id: row.currentKey, due, holders }
}

/** `ConversationService.list`. */
export async function listConversations(
  { store: { reads }, clock }: ServiceContext,
  application: string,
  caller: Caller,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly ConversationSummary[]> {
  const device = await liveDevice(reads, application, caller, secondsOf(clock()))
  const found = await reads.conversationsOf(application, caller.username, after, limit)
  return await Promise.all(
    found.map(async ({ conversation, stay }) => {
      const { id, sequence, head, mode, changedAt } = conversation
      if (stay.to === null && stay.chain === device.chain) {
        return { conversation: id, sequence, head, role: stay.role, mode, changedAt: secondsOf(changedAt) }
      }
      // As he left it: what happened since is not his to know.
      const end = stay.to ?? stay.from
      return {
        ...{ conversation: id, sequence: end, head: '', role: null },
        ...{ mode: await modeAt(reads, conversation, end), changedAt: stay.toAt ?? stay.fromAt },
      }
    }),
  )
}

/** The mode when this entry was the newest. */
async function modeAt(
  reads: ConversationReads,
  { application, id, mode }: StoredConversation,
  sequence: number,
): Promise<Mode> {
  const text = await reads.modeEntry(application, id, sequence)
  const entry = text === undefined ? undefined : decodeMembershipEntry(text)
  return entry?.kind === 'create' || entry?.kind === 'mode' ? entry.mode : mode
}

/** `ConversationService.receipts`: for members. */
export async function showReceipts(
  context: ServiceContext,
  application: string,
  caller: Caller,
  id: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<LogProofs & { readonly items: readonly LoggedReceipt[] }> {
  const { reads } = context.store
  const { stay } = await visible(reads, application, caller, id, secondsOf(context.clock()))
  if (stay.to !== null) throw new AccessRefused('conversation:read', 'not-a-member')
  const rows = await reads.receipts(application, id, after, limit)
  const items = rows.map(({ item, commitment }) => ({ receipt: decodeReceipt(utf8(item)), commitment }))
  const indexes = items.map(({ commitment }) => commitment.logIndex)
  return { items, ...(await proofs(context, application, indexes)) }
}

/** `ConversationService.recipients`: for who may make keys now, or got this one. */
export async function showRecipients(
  { store: { reads }, clock }: ServiceContext,
  application: string,
  caller: Caller,
  keyId: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly StoredRecipient[]> {
  const device = await liveDevice(reads, application, caller, secondsOf(clock()))
  const key = await reads.findKey(application, keyId)
  if (key === undefined) throw unknownHere()
  requireMember(
    await reads.stays(application, key.conversation, caller.username),
    device,
    'conversation:read',
  )
  if (key.mode !== 'sealed') throw new AccessRefused('conversation:read', 'mode')
  return await reads.recipients(application, keyId, after, limit)
}

/** @throws KeyhavenError `NOT_FOUND` for a stranger; AccessRefused for whoever was reset. */
async function visible(
  reads: ConversationReads,
  application: string,
  caller: Caller,
  id: string,
  now: number,
): Promise<{ readonly row: StoredConversation; readonly stay: StoredStay }> {
  const device = await liveDevice(reads, application, caller, now)
  const stay = (await reads.stays(application, id, caller.username)).at(-1)
  const row = stay && (await reads.findConversation(application, id))
  if (stay === undefined || row === undefined) throw unknownHere()
  if (stay.chain !== device.chain) throw new AccessRefused('conversation:read', 'reset')
  // A device that came after the removal belongs to somebody who was no member any more.
  if (stay.toAt !== null && device.since > stay.toAt) throw new AccessRefused('conversation:read', 'removed')
  return { row, stay }
}

async function proofs(
  { directory }: ServiceContext,
  application: string,
  indexes: readonly number[],
): Promise<LogProofs> {
  const wanted = [...new Set(indexes)]
  const { checkpoint, size } = await directory.checkpoint(application, Math.max(0, ...wanted) + 1)
  if (wanted.some((index) => index >= size))
    throw new KeyhavenError('LOG_INCONSISTENT', 'a leaf is not in the log')
  const proven = await Promise.all(
    wanted.map(async (index) => {
      const hashes = await directory.inclusionProof(application, index, size)
      return [String(index), hashes.map(toBase64url)] as const
    }),
  )
  return { checkpoint, proofs: Object.fromEntries(proven) }
}
