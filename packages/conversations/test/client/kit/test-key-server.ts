import { KeyhavenError, randomId, toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { recordedKeysOf } from '../../../../directory/src/client/recorded-keys.ts'
import type { TestDirectory } from '../../../../messaging/test/kit/test-directory.ts'
import {
  type ConversationApi,
  encodeReceipt,
  membershipItem,
  type Receipt,
  type WrappedRecipient,
} from '../../../src/index.ts'
import { decodeKeyAnnouncement } from '../../../src/key/announcement.ts'
import { MAX_RECIPIENTS_PER_CALL } from '../../../src/key/limits.ts'
import { recipientTree } from '../../../src/key/recipients.ts'
import { authorKeyAt } from '../../../src/membership/author.ts'
import type { ConversationState } from '../../../src/membership/conversation-state.ts'
import { decodeMembershipEntry } from '../../../src/membership/entry.ts'
import { foldMembership } from '../../../src/membership/fold-membership.ts'
import { ID_BYTES } from '../../../src/membership/limits.ts'
import { readPermission } from '../../../src/membership/read-permission.ts'
import { TestLog } from './test-log.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers as they travel
type Json = Record<string, any>
interface Upload {
  readonly announcement: string
  readonly recipients: WrappedRecipient[]
}
interface StoredKey {
  readonly common: Json
  readonly managed?: string
  readonly upload?: Upload
  readonly shares: Map<string, { share: string; wrapped: string }>
  readonly requests: Set<string>
}
interface Stored {
  entries: Json[]
  state: ConversationState
  currentKey: string | null
  readonly receipts: Json[]
}

/** What a test may change before a device sees it: a server that lies. */
export type Lie = (method: string, path: string, answer: Json, caller: string) => Json | Promise<Json>

/**
 * The key server in memory, over the same formats, rules and trees: honest as it is, and it lies where a test
 * says so. The real one has its own tests, and those of the SDK.
 */
export class TestKeyServer {
  readonly log: TestLog
  readonly conversations = new Map<string, Stored>()
  readonly keys = new Map<string, StoredKey>()
  readonly directory: TestDirectory
  lie: Lie | undefined
  /** Calls so far, as `GET /v1/keys/…`. */
  calls: string[] = []
  offline = false
  /** Entries and keys are accepted, and their answers lost. */
  loseAnswers: false | 'RESULT_UNKNOWN' | 'STORE_UNAVAILABLE' = false
  rotationDue: string | null = null

  /** @param log - of another server, which shows somebody else another history. */
  constructor(directory: TestDirectory, log: TestLog = new TestLog()) {
    this.directory = directory
    this.log = log
  }

  api(username: string, device: string): ConversationApi {
    const json = async (method: string, path: string, body?: object): Promise<Json> => {
      this.calls.push(`${method} ${path}`)
      if (this.offline) throw new KeyhavenError('GATEWAY_UNAVAILABLE', 'no network')
      const answer = await this.#answer({ username, device }, method, path, (body ?? {}) as Json)
      if (this.loseAnswers && method === 'POST')
        throw new KeyhavenError(this.loseAnswers, 'the answer is lost')
      const copy = JSON.parse(JSON.stringify(answer)) as Json
      return this.lie ? this.lie(method, path, copy, username) : copy
    }
    return { json, call: json }
  }

  authors = {
    signingKey: async (by: { username: string; device: string; entry: string; chain: number }, at: number) =>
      authorKeyAt(recordedKeysOf(await this.directory.state(by.username)), by, at).signingKey,
  }

  async #answer(caller: Caller, method: string, path: string, body: Json): Promise<Json> {
    const [route, query = ''] = path.split('?')
    const [, , noun, id = '', part = ''] = route!.split('/')
    const after = Number(new URLSearchParams(query).get('after') ?? -1)
    switch (`${method} ${noun}${id && '/id'}${part && `/${part}`}`) {
      case 'POST conversations':
        return this.#accept(caller, undefined, body)
      case 'GET conversations':
        return { items: this.#list(caller.username), nextCursor: null }
      case 'GET conversations/id':
        return this.#show(caller, id, after)
      case 'POST conversations/id/entries':
        return this.#accept(caller, id, body)
      case 'POST conversations/id/keys':
        return this.#rotate(caller, id, body)
      case 'GET conversations/id/receipts':
        return this.#receipts(caller, id, after)
      case 'GET keys/id':
        return this.#release(caller, id)
      case 'POST keys':
        return this.#releaseMany(caller, body.ids)
      case 'GET keys/id/recipients':
        return { items: this.keys.get(id)!.upload!.recipients, nextCursor: null }
      case 'POST keys/id/requests':
        this.keys.get(id)!.requests.add(JSON.stringify(caller))
        return {}
      case 'GET key-requests':
        return { items: this.#requests(), nextCursor: null }
      case 'POST keys/id/shares':
        return this.#share(id, body)
      case 'PUT keys/id/recipients':
        return { complete: this.#addRecipients(id, body.recipients) }
      default:
        throw new Error(`no such route: ${method} ${path}`)
    }
  }

  async #accept(caller: Caller, id: string | undefined, { entry, key }: Json): Promise<Json> {
    const { application, conversation, sequence, previous } = decodeMembershipEntry(entry)
    const before = this.conversations.get(conversation)
    if (id !== undefined && !before) throw new KeyhavenError('NOT_FOUND', 'nothing there')
    if (sequence !== (before?.state.sequence ?? -1) + 1 || previous !== (before?.state.head ?? null)) {
      throw new KeyhavenError('CONFLICT', 'somebody was first')
    }
    const entries = [...(before?.entries ?? []).map((logged) => logged.entry as string), entry]
    const expected = { application, conversation, authors: this.authors }
    const state = await foldMembership(nodeBackend, entries, expected)
    const logged = {
      entry,
      acceptedAt: this.directory.now,
      commitment: await this.log.commit(membershipItem(entry)),
    }
    const all = [...(before?.entries ?? []), logged]
    this.conversations.set(conversation, {
      ...{ entries: all, state, receipts: before?.receipts ?? [], currentKey: before?.currentKey ?? null },
    })
    if (state.mode === 'managed') await this.#make(conversation, undefined)
    else if (key) await this.#make(conversation, key)
    return { entry: logged, key: null, by: caller }
  }

  async #make(conversation: string, upload: Upload | undefined): Promise<string> {
    const stored = this.conversations.get(conversation)!
    const { sequence, head, algorithm, mode } = stored.state
    const announced = upload && decodeKeyAnnouncement(upload.announcement)
    const id = announced?.key ?? randomId(nodeBackend, ID_BYTES)
    const { username, device } = announced?.by ?? {}
    if (announced && announced.membership.head !== head)
      throw new KeyhavenError('CONFLICT', 'another membership')
    this.keys.set(id, {
      common: {
        ...{
          id,
          conversation,
          algorithm,
          mode,
          membership: { sequence, head },
          createdAt: this.directory.now,
        },
        createdBy: announced ? { username, device } : 'server',
      },
      ...(upload ? { upload } : { managed: toBase64url(nodeBackend.randomBytes(32)) }),
      shares: new Map(),
      requests: new Set(),
    })
    if (upload) {
      requirePage(upload.recipients)
      if (!this.#addRecipients(id, [])) return id
    }
    stored.currentKey = id
    return id
  }

  /** @returns whether they are all there, as announced: then it is the current key. */
  #addRecipients(id: string, recipients: readonly WrappedRecipient[]): boolean {
    const { upload, common } = this.keys.get(id)!
    requirePage(recipients)
    upload!.recipients.push(...recipients)
    const { count } = decodeKeyAnnouncement(upload!.announcement).recipients
    if (upload!.recipients.length < count) return false
    this.conversations.get(common.conversation)!.currentKey = id
    return true
  }

  async #rotate(caller: Caller, conversation: string, body: Json): Promise<Json> {
    const id = await this.#make(conversation, body.announcement ? (body as Upload) : undefined)
    if (this.conversations.get(conversation)!.currentKey !== id) return { id, complete: false }
    return this.#release(caller, id)
  }

  #member({ username }: Caller, conversation: string): Stored {
    const stored = this.conversations.get(conversation)
    if (!stored?.state.members.has(username)) throw new KeyhavenError('NOT_FOUND', 'nothing there')
    return stored
  }

  async #show(caller: Caller, conversation: string, after: number): Promise<Json> {
    const { entries, state, currentKey } = this.#member(caller, conversation)
    const end = state.members.get(caller.username)!.periods.at(-1)!.to ?? state.sequence
    // Pages of two, so that there are several.
    const shown = entries.slice(after + 1, Math.min(after + 3, end + 1))
    const last = after + shown.length
    return {
      ...{ entries: shown, sequence: end, head: state.heads[end], currentKey, holders: null },
      ...{ mode: state.mode, rotationDue: this.rotationDue, nextAfter: last < end ? last : null },
      ...(await this.log.proofs(shown.map(({ commitment }) => commitment.logIndex))),
    }
  }

  async #release(caller: Caller, id: string): Promise<Json> {
    const key = this.keys.get(id)
    if (!key) throw new KeyhavenError('NOT_FOUND', 'nothing there')
    const { conversation, membership, createdAt: madeAt, mode } = key.common
    const { state, receipts } = this.#member(caller, conversation)
    const { username, device } = caller
    const recorded = recordedKeysOf(await this.directory.state(username)).filter(
      (one) => one.device === device,
    )
    const reader = { username, chain: recorded.at(-1)!.chain, deviceSince: recorded[0]!.issued }
    const verdict = readPermission(state, reader, { membership: membership.sequence, madeAt, mode })
    if (!verdict.allowed) {
      const { permission, reason } = verdict
      throw Object.assign(new KeyhavenError('ACCESS_DENIED', 'not allowed'), { permission, reason })
    }
    const secret = await this.#secret(key, device)
    const { application } = state
    const receipt: Receipt = {
      ...{ v: 1 as const, application, conversation, sequence: receipts.length, object: id },
      kind: 'key',
      ...{ to: { username, device }, rule: verdict.rule, at: this.directory.now },
    }
    const commitment = await this.log.commit(encodeReceipt(receipt))
    receipts.push({ receipt, commitment })
    return { ...key.common, ...secret, receipt: commitment }
  }

  async #releaseMany(caller: Caller, ids: readonly string[]): Promise<Json> {
    const keys: Json[] = []
    const refused: Json[] = []
    for (const id of ids) {
      try {
        keys.push(await this.#release(caller, id))
      } catch (error) {
        const { code, permission, reason } = error as Json
        refused.push({ id, code, permission, reason })
      }
    }
    return { keys, refused }
  }

  async #secret({ managed, upload, shares }: StoredKey, device: string): Promise<Json> {
    if (!upload) return { key: managed }
    const share = shares.get(device)
    if (share) return { announcement: upload.announcement, ...share }
    const tree = await recipientTree(nodeBackend, upload.recipients)
    const at = tree.recipients.findIndex((one) => one.device === device)
    const { count } = decodeKeyAnnouncement(upload.announcement).recipients
    if (at < 0 || tree.count < count) throw new KeyhavenError('KEY_PENDING', 'nobody has shared it yet')
    return {
      ...{ announcement: upload.announcement, wrapped: tree.recipients[at]!.wrapped, proof: tree.proof(at) },
    }
  }

  async #receipts(caller: Caller, conversation: string, after: number): Promise<Json> {
    const items = this.#member(caller, conversation).receipts.slice(after + 1, after + 3)
    return {
      ...{ items, nextCursor: null },
      ...(await this.log.proofs(items.map(({ commitment }) => commitment.logIndex))),
    }
  }

  #list(username: string): Json[] {
    const own = [...this.conversations.values()].filter(({ state }) => state.members.has(username))
    return own.map(({ state: { conversation, mode, issued } }) => ({
      ...{ conversation, mode, role: 'member', changedAt: issued },
    }))
  }

  #requests(): Json[] {
    return [...this.keys].flatMap(([key, { requests, common }]) =>
      [...requests].map((caller) => ({ key, conversation: common.conversation, ...JSON.parse(caller) })),
    )
  }

  #share(id: string, { share, wrapped }: Json): Json {
    const { to } = JSON.parse(Buffer.from(share.split('.')[1], 'base64url').toString())
    const key = this.keys.get(id)!
    key.shares.set(to.device, { share, wrapped })
    key.requests.delete(JSON.stringify({ username: to.username, device: to.device }))
    return {}
  }
}

interface Caller {
  readonly username: string
  readonly device: string
}

function requirePage(recipients: readonly unknown[]): void {
  if (recipients.length > MAX_RECIPIENTS_PER_CALL)
    throw new KeyhavenError('INPUT_INVALID', 'too many at once')
}
