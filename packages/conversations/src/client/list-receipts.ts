import { toBase64url } from '@keyhaven/crypto'
import { decodeReceipt, encodeReceipt, type Receipt } from '../receipt/receipt.ts'
import { type ReceiptsAnswer, readReceiptsAnswer } from './answers.ts'
import type { ClientContext } from './client-context.ts'
import { ConversationError } from './conversation-error.ts'
import type { VerifiedReceipt } from './conversations.ts'

/** Hashes of receipts that one record of the store holds. */
const PAGE_RECEIPTS = 256

/**
 * Receipts of a conversation, each proven to be in the log, without a gap, the same as when they were read
 * before; and none is missing of the releases that this device got itself.
 *
 * @throws KeyhavenError `PROOF_INVALID`; `LOG_INCONSISTENT` if one was withdrawn or changed.
 */
export async function* listReceipts(
  context: ClientContext,
  conversation: string,
  after = -1,
): AsyncGenerator<VerifiedReceipt> {
  // Those before this call: a release that comes in between may lie behind the last page.
  const released = new Set((await context.memory.read<string[]>('released', conversation))?.value)
  const confirmed = new Set<string>()
  let last = after
  for (;;) {
    const query = last < 0 ? '' : `?after=${last}`
    const path = `/v1/conversations/${conversation}/receipts${query}`
    const answer = readReceiptsAnswer(await context.api.json('GET', path))
    if (answer.items.length === 0) break
    const items = await verifyPage(context, conversation, last + 1, answer)
    for (const { receipt, opening } of items) {
      if (released.delete(opening)) confirmed.add(opening)
      yield receipt
    }
    last += items.length
  }
  await requireAllShown(context, conversation, { last, after, missing: released })
  if (confirmed.size === 0) return
  // Their receipts are remembered by now.
  await context.memory.update<readonly string[]>('released', conversation, (before = []) =>
    before.filter((opening) => !confirmed.has(opening)),
  )
}

async function verifyPage(
  context: ClientContext,
  conversation: string,
  first: number,
  answer: ReceiptsAnswer,
): Promise<{ receipt: VerifiedReceipt; opening: string }[]> {
  const verified: { receipt: VerifiedReceipt; opening: string; digest: string }[] = []
  for (const [at, { receipt: given, commitment }] of answer.items.entries()) {
    const bytes = encodeReceipt(given as Receipt)
    const receipt = decodeReceipt(bytes)
    const isOurs = receipt.application === context.application && receipt.conversation === conversation
    if (!isOurs) throw new ConversationError('PROOF_INVALID', 'the receipt is of another conversation')
    if (receipt.sequence !== first + at) {
      throw new ConversationError('LOG_INCONSISTENT', 'a receipt is missing')
    }
    await context.log.require(bytes, commitment, answer)
    const digest = toBase64url(await context.backend.sha256(bytes))
    const { logIndex, opening } = commitment
    verified.push({ receipt: { ...receipt, logIndex }, opening, digest })
  }
  await remember(
    context,
    conversation,
    first,
    verified.map(({ digest }) => digest),
  )
  return verified
}

/** Compares with what was read before, and keeps what is new: hashes, by pages. */
async function remember(
  { memory }: ClientContext,
  conversation: string,
  first: number,
  digests: readonly string[],
): Promise<void> {
  const end = first + digests.length
  for (let page = Math.floor(first / PAGE_RECEIPTS); page * PAGE_RECEIPTS < end; page++) {
    const start = page * PAGE_RECEIPTS
    await memory.update<readonly (string | null)[]>('receipts', `${conversation} ${page}`, (before = []) => {
      const known = Array.from({ length: PAGE_RECEIPTS }, (_, at) => before[at] ?? null)
      let changed = false
      for (let at = 0; at < PAGE_RECEIPTS; at++) {
        const digest = digests[start + at - first]
        if (digest === undefined || known[at] === digest) continue
        if (known[at] !== null) throw changedReceipt()
        known[at] = digest
        changed = true
      }
      return changed ? known : before
    })
  }
}

/** At the end of the list: nothing that was shown before is gone, and own releases were among them. */
async function requireAllShown(
  { memory }: ClientContext,
  conversation: string,
  { last, after, missing }: { readonly last: number; readonly after: number; readonly missing: Set<string> },
): Promise<void> {
  const next = last + 1
  const page = await memory.read<readonly (string | null)[]>(
    'receipts',
    `${conversation} ${Math.floor(next / PAGE_RECEIPTS)}`,
  )
  if (page?.value.slice(next % PAGE_RECEIPTS).some((digest) => digest !== null)) throw changedReceipt()
  if (after >= 0) return
  if (missing.size > 0) throw changedReceipt()
}

function changedReceipt(): ConversationError {
  return new ConversationError('LOG_INCONSISTENT', 'a receipt was withdrawn or changed')
}
