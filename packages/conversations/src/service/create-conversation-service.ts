import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { MAX_KEYS_PER_CALL } from '../key/limits.ts'
import { acceptEntry } from './accept-entry.ts'
import { Batch, type ReleaseJob, Undo } from './batch.ts'
import { liveDevice } from './callers.ts'
import type { ConversationService, EntryInput } from './conversation-service.ts'
import { createConversationStates } from './conversation-states.ts'
import { approveExport, downloadExport, requestExport } from './exports.ts'
import { mayManage, mayWrite, readRuleOf, recordFileRead } from './file-access.ts'
import { createGroupCommit, type Outcome } from './group-commit.ts'
import { requestKey, shareKey } from './key-requests.ts'
import type { ConversationDirectory, ConversationStore, KeyVault } from './ports.ts'
import { releaseAll } from './release-keys.ts'
import { refusedKey, releasedKey } from './released-key.ts'
import { addRecipients, rotate, rotateByOperator } from './rotate.ts'
import { type ServiceContext, secondsOf, type Work } from './service-context.ts'
import { listConversations, showConversation, showReceipts, showRecipients } from './show-conversation.ts'
import type { Caller, ReleaseQuestion } from './stored-rows.ts'

/** Items of one transaction: a hundred keys asked for at once are one item. */
const MAX_BATCH = 512

export interface ConversationServiceOptions {
  readonly backend: CryptoBackend
  readonly store: ConversationStore
  readonly vault: KeyVault
  readonly directory: ConversationDirectory
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** See `GroupCommitOptions.soon`. */
  readonly soon?: (start: () => void) => void
  /** See `ServiceContext.whyOneOperator`. Without it two names are two operators. */
  readonly whyOneOperator?: ServiceContext['whyOneOperator']
}

type Item = Work | { readonly questions: readonly ReleaseQuestion[] }

/**
 * The key server of conversations: rules over ports, and one durable commit for all calls of the same moment.
 */
export function createConversationService(options: ConversationServiceOptions): ConversationService {
  const { backend, clock, store } = options
  const group = createGroupCommit<Item, unknown>({
    maxItems: MAX_BATCH,
    runBatch: (items) => runBatch(options, items),
    ...(options.soon && { soon: options.soon }),
  })
  const submit = async (item: Item): Promise<unknown> => {
    try {
      return await group.submit(item)
    } catch (error) {
      throw error instanceof Undo ? error.cause : error
    }
  }
  const context: ServiceContext = {
    ...options,
    states: createConversationStates(),
    commit: (work) => submit(work) as never,
  }

  async function release(application: string, caller: Caller, keys: readonly string[]) {
    const { username, device } = caller
    const questions = keys.map((key) => ({ application, key, username, device }))
    return (await submit({ questions })) as readonly ReleaseJob[]
  }

  async function accepted(application: string, caller: Caller, id: string | undefined, input: EntryInput) {
    const { entry, release: job } = await acceptEntry(context, application, caller, id, input)
    return { entry, key: job === undefined ? null : await releasedKey(context, job) }
  }

  return {
    create: (application, caller, input) => accepted(application, caller, undefined, input),
    append: (application, caller, id, input) => accepted(application, caller, id, input),
    list: (application, caller, page) => listConversations(context, application, caller, page),
    show: (application, caller, id, query) => showConversation(context, application, caller, id, query),
    rotate: (application, caller, id, upload) => rotate(context, application, caller, id, upload),
    addRecipients: (application, caller, key, added) =>
      addRecipients(context, application, caller, key, added),
    recipients: (application, caller, key, page) => showRecipients(context, application, caller, key, page),
    async release(application, caller, key) {
      const [job] = await release(application, caller, [key])
      return await releasedKey(context, job!)
    },
    async releaseMany(application, caller, keys) {
      const wanted = [...new Set(keys)]
      if (wanted.length > MAX_KEYS_PER_CALL) {
        throw new KeyhavenError('INPUT_INVALID', `ids: at most ${MAX_KEYS_PER_CALL} at once`)
      }
      const jobs = wanted.length === 0 ? [] : await release(application, caller, wanted)
      const released = []
      const refused = []
      for (const [at, job] of jobs.entries()) {
        try {
          released.push(await releasedKey(context, job))
        } catch (error) {
          refused.push(refusedKey(wanted[at]!, error))
        }
      }
      return { keys: released, refused }
    },
    requestKey: (application, caller, key) => requestKey(context, application, caller, key),
    async answerable(application, caller, { after, limit }) {
      const now = secondsOf(clock())
      await liveDevice(store.reads, application, caller, now)
      return await store.reads.answerable(application, caller, after, limit, now)
    },
    share: (application, caller, key, input) => shareKey(context, application, caller, key, input),
    receipts: (application, caller, id, page) => showReceipts(context, application, caller, id, page),
    mayWrite: (application, caller, id) => mayWrite(context, application, caller, id),
    async mayReadFile(application, caller, file) {
      const now = secondsOf(clock())
      return { rule: await readRuleOf(store.reads, application, caller, file, now) }
    },
    mayManage: (application, caller, id) => mayManage(context, application, caller, id),
    recordFileRead: (application, caller, file) => recordFileRead(context, application, caller, file),
    rotateByOperator: (application, id, actor) => rotateByOperator(context, application, id, actor),
    requestExport: (application, id, input, actor) => requestExport(context, application, id, input, actor),
    approveExport: (application, id, actor) => approveExport(context, application, id, actor),
    downloadExport: (application, id, actor) => downloadExport(context, application, id, actor),
  }

  /**
   * One transaction for all: changes first, one after the other; then all releases at once; then the logs.
   */
  async function runBatch(
    { store: { transaction } }: Pick<ConversationServiceOptions, 'store'>,
    items: readonly Item[],
  ): Promise<readonly Outcome<unknown>[]> {
    const answers = await transaction(async (tx) => {
      const batch = new Batch()
      await tx.lock(items.flatMap(locksOf))
      const made: ((() => unknown) | { readonly error: unknown })[] = []
      for (const item of items) made.push(await begin(tx, batch, item))
      await releaseAll(tx, batch)
      await batch.finish(tx, backend)
      return made
    })
    return answers.map((answer) => (typeof answer === 'function' ? { value: answer() } : answer))
  }

  async function begin(tx: Parameters<Work['run']>[0], batch: Batch, item: Item) {
    if ('questions' in item) {
      const jobs = item.questions.map((question) => batch.release(question))
      return () => jobs
    }
    try {
      return await item.run(tx, batch)
    } catch (error) {
      // A refusal comes before anything is written: the others of the batch go on.
      if (error instanceof KeyhavenError && error.code !== 'STORE_UNAVAILABLE') return { error }
      throw error
    }
  }
}

function locksOf(item: Item): Work['locks'] {
  return 'questions' in item
    ? item.questions.map(({ application, key }) => ({ application, key }))
    : item.locks
}
