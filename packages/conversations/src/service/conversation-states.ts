import { KeyhavenError } from '@keyhaven/crypto'
import { applyChange, draftOf, type StateDraft, startState } from '../membership/apply-change.ts'
import type { ConversationState } from '../membership/conversation-state.ts'
import { decodeMembershipEntry } from '../membership/entry.ts'
import type { ConversationReads } from './ports.ts'
import type { StoredConversation, StoredEntry } from './stored-rows.ts'

/** Folded states, kept in memory. */
export interface ConversationStates {
  load(
    reads: ConversationReads,
    row: Pick<StoredConversation, 'application' | 'id' | 'sequence' | 'head'>,
  ): Promise<ConversationState>
  /** @param state - of entries that are committed. */
  keep(state: ConversationState): void
}

/** Members of all kept states together: a state takes about 1 KiB for each. */
const MAX_KEPT_MEMBERS = 100_000
const MAX_KEPT_STATES = 10_000

/**
 * Folds the stored entries, and keeps the results. Their signatures were verified when they were accepted: a
 * device that signed one may be gone by now, and the service's own rows are what it answers for.
 */
export function createConversationStates(): ConversationStates {
  const states = new Map<string, ConversationState>()
  let members = 0

  function drop(name: string): void {
    const state = states.get(name)
    if (state === undefined) return
    members -= state.members.size
    states.delete(name)
  }

  function keep(state: ConversationState): void {
    const name = nameOf(state.application, state.conversation)
    drop(name)
    states.set(name, state)
    members += state.members.size
    while (states.size > 1 && (members > MAX_KEPT_MEMBERS || states.size > MAX_KEPT_STATES)) {
      drop(states.keys().next().value!)
    }
  }

  return {
    keep,
    async load(reads, { application, id, sequence, head }) {
      const known = states.get(nameOf(application, id))
      if (known?.head === head) return known
      const from = known !== undefined && known.sequence < sequence ? known : undefined
      const rows = await reads.entries(application, id, from?.sequence ?? -1)
      let state = rows[0]?.sequence === (from?.sequence ?? -1) + 1 ? foldStored(from, rows) : undefined
      if (state?.head !== head && from !== undefined) {
        state = foldStored(undefined, await reads.entries(application, id, -1))
      }
      if (state?.head !== head) {
        throw new KeyhavenError('CHAIN_BROKEN', 'the stored entries do not fit the stored head')
      }
      keep(state)
      return state
    },
  }
}

/** @returns undefined if the entries do not follow each other. */
function foldStored(
  from: ConversationState | undefined,
  rows: readonly StoredEntry[],
): ConversationState | undefined {
  let draft: StateDraft | undefined = from && draftOf(from)
  for (const { entry: text, hash } of rows) {
    const entry = decodeMembershipEntry(text)
    if (draft === undefined) {
      if (entry.kind !== 'create' || entry.sequence !== 0) return undefined
      draft = draftOf(startState(entry, hash))
      continue
    }
    if (entry.sequence !== draft.sequence + 1 || entry.previous !== draft.head) return undefined
    applyChange(draft, entry, hash)
  }
  return draft
}

function nameOf(application: string, id: string): string {
  return `${application} ${id}`
}
