import { fromBase64url } from '@keyhaven/crypto'
import { commitmentOfKey } from '../key/commitment-of-key.ts'
import { signKeyShare } from '../key/key-share.ts'
import { LEGACY_PROFILE } from '../key/legacy-profile.ts'
import { wrapConversationKey } from '../key/wrapped-key.ts'
import { isCurrentMember } from '../membership/conversation-state.ts'
import { readPermission } from '../membership/read-permission.ts'
import { type AskedKey, readAsked, readPage } from './answers.ts'
import type { ClientContext } from './client-context.ts'
import { hasCode } from './conversation-error.ts'
import type { KeyRing } from './key-ring.ts'
import type { Memberships } from './memberships.ts'
import { FRESH_SECONDS } from './people.ts'

/** Of one call: others may be on the way, too. */
const MAX_ANSWERED = 1_000

/** Hands sealed keys on to devices that may have them, by the own fold and the own look-up. */
export class KeyRequests {
  readonly #context: ClientContext
  readonly #memberships: Memberships
  readonly #ring: KeyRing
  /** Where the next call goes on: so many requests that this device cannot answer may come first. */
  #query = ''

  constructor(context: ClientContext, memberships: Memberships, ring: KeyRing) {
    this.#context = context
    this.#memberships = memberships
    this.#ring = ring
  }

  /** @returns how many keys were handed on. What one device is refused does not keep the others waiting. */
  async answer(): Promise<number> {
    if (!(await this.#context.memory.hasAny('key'))) return 0
    let shared = 0
    let seen = 0
    let query = this.#query
    this.#query = ''
    let failure: unknown
    // Users who were looked up anew: once a call, however much the server claims that they ask.
    const renewed = new Set<string>()
    for (;;) {
      const { items, next } = readPage(await this.#context.api.json('GET', `/v1/key-requests${query}`))
      for (const item of items) {
        try {
          if (await this.#share(readAsked(item), renewed)) shared++
        } catch (error) {
          failure = error
        }
      }
      seen += items.length
      if (next === undefined || items.length === 0) break
      query = `?after=${encodeURIComponent(next)}`
      if (seen < MAX_ANSWERED) continue
      this.#query = query
      break
    }
    if (failure !== undefined && shared === 0) throw failure
    return shared
  }

  /** @returns false where this device has not the key, or the asking one may not. */
  async #share(asked: AskedKey, renewed: Set<string>): Promise<boolean> {
    const { application, backend, me, api, now, people } = this.#context
    const held = await this.#ring.held(asked.key)
    if (held?.record.mode !== 'sealed' || held.record.conversation !== asked.conversation) return false
    const recipient = await this.#recipient(asked, held.record, renewed)
    if (!recipient) return false
    const { username, device } = asked
    const { conversation, id } = held.record
    const context = { application, conversation, key: id }
    const { jwk, thumbprint } = recipient.encryption
    const key = fromBase64url(held.record.key)
    const to = { username, device, thumbprint }
    const wrapped = await wrapConversationKey(backend, jwk, { ...context, from: me.device, to }, key)
    const share = await signKeyShare(me.signingKey, {
      ...context,
      commitment: await commitmentOfKey(backend, context, key),
      to: { username, device, key: thumbprint },
      issued: now(),
      by: await people.author(),
    })
    key.fill(0)
    try {
      await api.call('POST', `/v1/keys/${id}/shares`, { share, wrapped })
      return true
    } catch (error) {
      // Another device was first.
      if (hasCode(error, 'CONFLICT')) return false
      throw error
    }
  }

  /** The asking device as the directory proves it, if it may read the key. */
  async #recipient(
    { username, device: id }: AskedKey,
    { conversation, membership, madeAt, mode }: NonNullable<Awaited<ReturnType<KeyRing['held']>>>['record'],
    renewed: Set<string>,
  ) {
    const { people } = this.#context
    const { state, forked } = await this.#memberships.fresh(conversation)
    const own = state.members.get(people.self)
    const member = state.members.get(username)
    if (forked || !own || !isCurrentMember(own) || !member) return undefined
    const lookUp = (maxAge: number) =>
      people.user(username, { maxAge, accepted: member.chain }).catch((error) => {
        if (!hasCode(error, 'CHAIN_RESET', 'NOT_FOUND', 'CHAIN_BROKEN')) throw error
      })
    const find = (found: Awaited<ReturnType<typeof lookUp>>) =>
      found?.devices.find((one) => one.device === id)
    let user = await lookUp(FRESH_SECONDS)
    if (!find(user) && !renewed.has(username)) {
      // It may have come since.
      renewed.add(username)
      user = await lookUp(0)
    }
    const device = find(user)
    if (!user || !device || device.profile === LEGACY_PROFILE) return undefined
    const { keys } = await people.recorded(username)
    const since = Math.min(...keys.filter((key) => key.device === id).map(({ issued }) => issued))
    const reader = { username, chain: user.chain, deviceSince: since }
    const verdict = readPermission(state, reader, { membership: membership.sequence, madeAt, mode })
    return verdict.allowed ? device : undefined
  }
}
