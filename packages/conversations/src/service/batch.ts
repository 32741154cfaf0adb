import type { CryptoBackend } from '@keyhaven/crypto'
import type { ConversationState } from '../membership/conversation-state.ts'
import { type Commitment, commitBatch } from '../receipt/commitment.ts'
import { encodeReceipt, type Receipt } from '../receipt/receipt.ts'
import type { ConversationStates } from './conversation-states.ts'
import type { ConversationTransaction } from './ports.ts'
import type { ReleaseFacts, ReleaseQuestion, StoredConversation, StoredEntry } from './stored-rows.ts'

/** Something on its way into the log; its commitment is there once the batch is finished. */
export interface Pending {
  readonly application: string
  readonly item: Uint8Array
  commitment: Commitment | undefined
}

/** A key that was granted to a device. */
export interface Granted {
  readonly question: ReleaseQuestion
  readonly facts: ReleaseFacts
  readonly receipt: Receipt
  readonly pending: Pending
}

/** A device asks for a key; the batch answers it with all others. */
export interface ReleaseJob {
  readonly question: ReleaseQuestion
  /** The device has just made this key. */
  readonly made?: true
  outcome: Granted | { readonly error: Error } | undefined
}

interface ReceiptJob {
  readonly fields: Omit<Receipt, 'v' | 'sequence'>
  readonly done: (receipt: Receipt, pending: Pending) => void
}

/**
 * What was written in part before it was refused: all of the transaction is undone, the others run again
 * without it.
 */
export class Undo extends Error {
  constructor(cause: Error) {
    super('undone', { cause })
  }
}

/** What one transaction adds to the logs: collected, then committed to by one leaf for each application. */
export class Batch {
  readonly releases: ReleaseJob[] = []
  readonly #pending: Pending[] = []
  readonly #receipts: ReceiptJob[] = []
  readonly #entries: {
    readonly conversation: string
    readonly row: Omit<StoredEntry, 'commitment'>
    readonly pending: Pending
  }[] = []

  readonly #states = new Map<string, ConversationState>()

  /** The state after an entry of this batch, which other items of it build on. */
  advance(state: ConversationState): void {
    this.#states.set(`${state.application} ${state.conversation}`, state)
  }

  /** As of the row that the transaction sees: entries of this batch are not among the stored ones yet. */
  async stateOf(
    states: ConversationStates,
    tx: ConversationTransaction,
    row: Pick<StoredConversation, 'application' | 'id' | 'sequence' | 'head'>,
  ): Promise<ConversationState> {
    const ours = this.#states.get(`${row.application} ${row.id}`)
    return ours?.head === row.head ? ours : await states.load(tx, row)
  }

  /** Asks for a key with the others of the batch. */
  release(question: ReleaseQuestion, made?: true): ReleaseJob {
    const job: ReleaseJob = { question, outcome: undefined, ...(made && { made }) }
    this.releases.push(job)
    return job
  }

  /** A membership entry. */
  addEntry(
    application: string,
    conversation: string,
    row: Omit<StoredEntry, 'commitment'>,
    item: Uint8Array,
  ): Pending {
    const pending = this.#add(application, item)
    this.#entries.push({ conversation, row, pending })
    return pending
  }

  /** The conversation must be locked; the receipt takes its next number. */
  addReceipt(fields: ReceiptJob['fields'], done: ReceiptJob['done']): void {
    this.#receipts.push({ fields, done })
  }

  /** Writes receipts and entries, and a leaf for each application: the last part of the transaction. */
  async finish(tx: ConversationTransaction, backend: CryptoBackend): Promise<void> {
    const receipts = await this.#numberReceipts(tx)
    const byApplication = Map.groupBy(this.#pending, ({ application }) => application)
    // In one order everywhere: two processes never wait for each other.
    for (const application of [...byApplication.keys()].sort()) {
      const pending = byApplication.get(application)!
      const items = pending.map(({ item }) => item)
      const { leaf, commitments } = await commitBatch(backend, items)
      const logIndex = await tx.appendLeaf(application, leaf)
      for (const [at, one] of pending.entries()) one.commitment = { ...commitments[at]!, logIndex }
    }
    if (this.#entries.length > 0) {
      const rows = this.#entries.map(({ conversation, row, pending }) => ({
        application: pending.application,
        conversation,
        entry: { ...row, commitment: pending.commitment! },
      }))
      await tx.insertEntries(rows)
    }
    if (receipts.length > 0) {
      const rows = receipts.map(({ receipt, item, pending }) => ({
        application: receipt.application,
        conversation: receipt.conversation,
        sequence: receipt.sequence,
        item,
        commitment: pending.commitment!,
      }))
      await tx.insertReceipts(rows)
    }
  }

  async #numberReceipts(tx: ConversationTransaction) {
    const next = new Map<string, number>()
    const targets = new Map(
      this.#receipts.map(({ fields: { application, conversation } }) => [
        `${application} ${conversation}`,
        { application, conversation },
      ]),
    )
    if (targets.size > 0) {
      const numbers = await tx.nextReceipts([...targets.values()])
      for (const [at, name] of [...targets.keys()].entries()) next.set(name, numbers[at]!)
    }
    return this.#receipts.map(({ fields, done }) => {
      const name = `${fields.application} ${fields.conversation}`
      const sequence = next.get(name)!
      next.set(name, sequence + 1)
      const { application, conversation, kind, object, to, rule, at } = fields
      const receipt: Receipt = { v: 1, application, conversation, sequence, kind, object, to, rule, at }
      const bytes = encodeReceipt(receipt)
      const pending = this.#add(application, bytes)
      done(receipt, pending)
      return { receipt, item: new TextDecoder().decode(bytes), pending }
    })
  }

  #add(application: string, item: Uint8Array): Pending {
    const pending: Pending = { application, item, commitment: undefined }
    this.#pending.push(pending)
    return pending
  }
}
