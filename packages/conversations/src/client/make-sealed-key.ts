import { type ErrorCode, KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import type { VerifiedDevice } from '@keyhaven/directory'
import { CONVERSATION_KEY_BYTES } from '../key/algorithm.ts'
import { signKeyAnnouncement } from '../key/announcement.ts'
import { commitmentOfKey } from '../key/commitment-of-key.ts'
import { newKeyId } from '../key/key-id.ts'
import { LEGACY_PROFILE } from '../key/legacy-profile.ts'
import { MAX_RECIPIENTS_PER_CALL } from '../key/limits.ts'
import { type RecipientTree, recipientTree } from '../key/recipients.ts'
import { type WrappedRecipient, wrapConversationKey } from '../key/wrapped-key.ts'
import { type ConversationState, currentMembers, type MemberState } from '../membership/conversation-state.ts'
import type { ClientContext } from './client-context.ts'
import { adviceFor, hasCode } from './conversation-error.ts'
import type { KeyLeftOut } from './conversations.ts'
import { inParallel } from './in-parallel.ts'
import type { KeyRecord } from './key-ring.ts'
import { FRESH_SECONDS } from './people.ts'

const LOOK_UPS_AT_ONCE = 8
const WRAPS_AT_ONCE = 16
/** A member for whom the directory says this is left out; what else it says stops everything. */
const LEAVES_OUT: readonly ErrorCode[] = ['CHAIN_BROKEN', 'CHAIN_RESET', 'DIRECTORY_STALE', 'NOT_FOUND']

/** A sealed key on its way to the server. */
export interface MadeKey {
  readonly record: KeyRecord
  /** What goes with the first call. */
  readonly upload: { readonly announcement: string; readonly recipients: readonly WrappedRecipient[] }
  /** What follows with `PUT /v1/keys/{id}/recipients`. */
  readonly pages: ReadonlyArray<readonly WrappedRecipient[]>
}

interface Recipient {
  readonly username: string
  readonly device: string
  readonly thumbprint: string
  readonly jwk: VerifiedDevice['encryption']['jwk']
}

/**
 * A new key for a membership, wrapped to every valid device of every member as the directory proves them now.
 *
 * @param options.maxAge - seconds that look-ups may be old.
 * @throws KeyhavenError `KEY_EXPIRED` if this device is not among them; what the directory was caught at.
 */
export async function makeSealedKey(
  context: ClientContext,
  state: ConversationState,
  { maxAge = FRESH_SECONDS }: { readonly maxAge?: number } = {},
): Promise<MadeKey> {
  const { application, backend, me, people, now } = context
  const { conversation, algorithm, sequence, head } = state
  const { recipients, leftOut } = await findRecipients(context, state, maxAge)
  if (!recipients.some(({ device }) => device === me.device)) {
    throw new KeyhavenError(
      'KEY_EXPIRED',
      'the directory has no valid encryption key of this device: call me.upkeep(), then try again',
    )
  }
  const tree = await recipientTree(backend, recipients)
  const by = await people.author()
  const membership = { sequence, head }
  const issued = Math.max(now(), state.issued)
  const unnamed = {
    ...{ application, conversation, algorithm, membership, issued, by },
    recipients: { count: tree.count, root: tree.root },
  }
  const { key: id, nonce } = await newKeyId(backend, unnamed)
  const keyContext = { application, conversation, key: id }
  const key = backend.randomBytes(CONVERSATION_KEY_BYTES)
  try {
    const commitment = await commitmentOfKey(backend, keyContext, key)
    const announced = { ...unnamed, key: id, nonce, commitment }
    const announcement = await signKeyAnnouncement(me.signingKey, announced)
    const wrapped = await wrapAll(context, tree, keyContext, key)
    // The server wants the maker's own device with the first call.
    wrapped.sort((one, other) => Number(other.device === me.device) - Number(one.device === me.device))
    const [first = [], ...pages] = pagesOf(wrapped)
    const record: KeyRecord = {
      ...{ v: 1, id, conversation, algorithm, mode: 'sealed', membership, leftOut },
      madeAt: issued,
      by: me.device,
      key: toBase64url(key),
    }
    return { record, upload: { announcement, recipients: first }, pages }
  } finally {
    overwrite(key)
  }
}

async function findRecipients(
  { people }: ClientContext,
  state: ConversationState,
  maxAge: number,
): Promise<{ readonly recipients: readonly Recipient[]; readonly leftOut: readonly KeyLeftOut[] }> {
  const found = await inParallel(currentMembers(state), LOOK_UPS_AT_ONCE, (member) =>
    devicesOf(people, member, maxAge),
  )
  const recipients: Recipient[] = []
  const leftOut: KeyLeftOut[] = []
  for (const { username, devices, refused } of found) {
    for (const { device, profile, encryption } of devices) {
      if (profile === LEGACY_PROFILE) leftOut.push(leftOutOf(username, 'SUITE_REFUSED', device))
      else recipients.push({ username, device, thumbprint: encryption.thumbprint, jwk: encryption.jwk })
    }
    for (const { device, code } of refused) leftOut.push(leftOutOf(username, code, device))
  }
  return { recipients, leftOut }
}

async function devicesOf(people: ClientContext['people'], member: MemberState, maxAge: number) {
  const { username, chain, position } = member
  try {
    const { devices, refused } = await people.user(username, { maxAge, accepted: chain, atLeast: position })
    return { username, devices, refused: refused.filter(({ code }) => code !== 'DEVICE_REVOKED') }
  } catch (error) {
    if (!hasCode(error, ...LEAVES_OUT)) throw error
    return { username, devices: [], refused: [{ device: undefined, code: error.code }] }
  }
}

function leftOutOf(username: string, code: ErrorCode, device: string | undefined): KeyLeftOut {
  return { username, ...(device !== undefined && { device }), code, advice: adviceFor(code) }
}

/** In the order of the tree. */
function wrapAll(
  { backend, me }: ClientContext,
  tree: RecipientTree<Recipient>,
  keyContext: { readonly application: string; readonly conversation: string; readonly key: string },
  key: Uint8Array,
): Promise<WrappedRecipient[]> {
  return inParallel(tree.recipients, WRAPS_AT_ONCE, async ({ jwk, ...to }) => ({
    ...to,
    wrapped: await wrapConversationKey(backend, jwk, { ...keyContext, from: me.device, to }, key),
  }))
}

function pagesOf(wrapped: readonly WrappedRecipient[]): WrappedRecipient[][] {
  const pages: WrappedRecipient[][] = []
  for (let at = 0; at < wrapped.length; at += MAX_RECIPIENTS_PER_CALL) {
    pages.push(wrapped.slice(at, at + MAX_RECIPIENTS_PER_CALL))
  }
  return pages
}
