import {
  keepPreviousData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import { nextCursor, type Page } from './page.ts'
import { ApiProblem } from './problem.ts'

export type ConversationMode = 'managed' | 'sealed'
export type MemberRole = 'owner' | 'admin' | 'member' | 'reader'

/** A conversation as the list shows it; never content. Times are ISO 8601. */
export interface Conversation {
  readonly id: string
  readonly mode: ConversationMode
  /** Present ones. */
  readonly members: number
  /** Number of the newest membership entry. */
  readonly sequence: number
  readonly createdAt: string
  readonly createdBy: string
  readonly changedAt: string
  /** Null: kept for ever. */
  readonly retentionDays: number | null
  readonly currentKey: { readonly id: string; readonly createdAt: string } | null
  /** Ever made. */
  readonly keys: number
  readonly receipts: number
  /** Storage that the files take. */
  readonly fileBytes: number
}

/** A time during which a user was a member. */
export interface Stay {
  readonly username: string
  readonly role: MemberRole
  readonly since: string
  /** Null: a member now. */
  readonly until: string | null
}

export interface ConversationKey {
  readonly id: string
  readonly mode: ConversationMode
  /** Membership entry under which it was made. */
  readonly membership: number
  readonly createdAt: string
  /** `server`, or USERNAME/DEVICE. */
  readonly createdBy: string
  /** Devices that a sealed key is wrapped to. */
  readonly recipients: number
  readonly complete: boolean
  readonly supersededAt: string | null
  readonly erasedAt: string | null
}

export type ExportState = 'pending' | 'approved' | 'downloaded'

export interface ConversationExport {
  readonly id: string
  readonly conversation: string
  readonly reason: string
  readonly from: string | null
  readonly to: string | null
  readonly state: ExportState
  readonly requestedBy: string
  readonly requestedAt: string
  readonly approvedBy: string | null
  readonly approvedAt: string | null
  readonly downloadedAt: string | null
}

export interface ConversationDetails extends Conversation {
  readonly history: {
    /** A number: those made since then, in seconds since the epoch. */
    readonly members: 'all' | 'joined' | number
    readonly devices: string
  }
  readonly rotation: {
    /** Seconds. */
    readonly maxAge: number | null
    readonly maxMessages: number | null
  }
  /** Of now and of before. */
  readonly people: readonly Stay[]
  /** Newest first; a long history is cut off. */
  readonly newestKeys: readonly ConversationKey[]
  /** Newest first. */
  readonly exports: readonly ConversationExport[]
}

/** That a key or a file was given out. */
export interface Receipt {
  /** From 0, without a gap. */
  readonly sequence: number
  readonly kind: 'key' | 'file' | 'export'
  /** Id of the key or file. */
  readonly object: string
  readonly to:
    | { readonly username: string; readonly device: string }
    | { readonly operators: readonly string[] }
  readonly rule: string
  /** Seconds since the epoch. */
  readonly at: number
}

export interface NewExport {
  readonly reason: string
  readonly from?: string
  readonly to?: string
}

const PAGE_SIZE = 50
/** 16 bytes, base64url. */
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** The one with this id, or those in which the user of this name is or was; all if `search` is empty. */
export function useConversations(applicationId: string, search: string) {
  return useInfiniteQuery({
    queryKey: ['conversations', applicationId, search],
    queryFn: ({ pageParam }) => findConversations(applicationId, search, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
    placeholderData: keepPreviousData,
  })
}

export function useConversation(applicationId: string, id: string) {
  return useQuery({
    queryKey: ['conversation', applicationId, id],
    queryFn: () => callAdmin<ConversationDetails>('GET', pathOf(applicationId, id)),
  })
}

/** Newest first, a page at a time. */
export function useReceipts(applicationId: string, id: string) {
  return useInfiniteQuery({
    queryKey: ['conversation-receipts', applicationId, id],
    queryFn: ({ pageParam }) =>
      callAdmin<Page<{ readonly receipt: Receipt }>>(
        'GET',
        `${pathOf(applicationId, id)}/receipts`,
        undefined,
        { limit: PAGE_SIZE, cursor: pageParam },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  })
}

/** A new key of a managed conversation. */
export function useRotateConversation(applicationId: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => callAdmin<unknown>('POST', `${pathOf(applicationId, id)}/rotate`),
    onSuccess: () => readAnew(client, applicationId),
  })
}

export function useRequestExport(applicationId: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (wanted: NewExport) =>
      callAdmin<ConversationExport>('POST', `${pathOf(applicationId, id)}/exports`, wanted),
    onSuccess: () => readAnew(client, applicationId),
  })
}

/** By another operator than the one who asked. */
export function useApproveExport(applicationId: string, id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (exportId: string) =>
      callAdmin<unknown>('POST', `${pathOf(applicationId, id)}/exports/${segment(exportId)}/approve`),
    onSuccess: () => readAnew(client, applicationId),
  })
}

async function findConversations(
  applicationId: string,
  search: string,
  cursor: string | undefined,
): Promise<Page<Conversation>> {
  const named = ID.test(search) ? await readIfThere(applicationId, search) : undefined
  if (named !== undefined) return { items: [named], nextCursor: null }
  const query = { username: search, limit: PAGE_SIZE, cursor }
  return callAdmin<Page<Conversation>>('GET', pathOf(applicationId), undefined, query)
}

async function readIfThere(applicationId: string, id: string): Promise<Conversation | undefined> {
  try {
    return await callAdmin<ConversationDetails>('GET', pathOf(applicationId, id))
  } catch (error) {
    // A username may look like an id.
    if (error instanceof ApiProblem && error.status === 404) return undefined
    throw error
  }
}

function pathOf(applicationId: string, id?: string): string {
  const all = `/applications/${segment(applicationId)}/conversations`
  return id === undefined ? all : `${all}/${segment(id)}`
}

function readAnew(client: QueryClient, applicationId: string): Promise<unknown> {
  const names = ['conversations', 'conversation', 'conversation-receipts']
  return Promise.all([
    ...names.map((name) => client.invalidateQueries({ queryKey: [name, applicationId] })),
    client.invalidateQueries({ queryKey: ['audit'] }),
  ])
}
