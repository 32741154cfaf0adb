import { equalConstantTime, fromBase64url, KeyhavenError, overwrite } from '@keyhaven/crypto'
import { PROFILES } from '@keyhaven/directory'
import type { DeviceVerifyKey, ProfileName } from '../directory-port.ts'
import type { Context } from '../messenger/context.ts'
import type { KnownUser } from '../messenger/people.ts'
import type { Envelope } from '../wire/envelope.ts'
import {
  commitmentOf,
  type NegotiationPayload,
  type NegotiationRecipient,
  readNegotiation,
  verifyNegotiation,
} from '../wire/negotiation.ts'
import { unwrapKey, wrapInfo } from '../wire/wrapped-key.ts'
import { sessionKeyBytes } from './profiles.ts'
import { firstChainKey } from './ratchet.ts'
import type { ReceivingChain, ReceivingSession } from './receiving-record.ts'

const DAY_SECONDS = 86_400
/** Older negotiations are refused. A mailbox keeps messages for 30 days; sessions live one. */
export const MAX_NEGOTIATION_AGE_SECONDS = 35 * DAY_SECONDS

export interface AcceptedNegotiation {
  readonly session: ReceivingSession
  readonly chain: ReceivingChain
  /** The session key was given to this device and to no other: its messages are the sender's for sure. */
  readonly sole: boolean
}

/**
 * Checks a negotiation and takes its session key (seed 002, "Key Negotiation", steps 8 to 13). Stores nothing.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID`, `SENDER_REVOKED`, `KEY_EXPIRED`, `KEY_NOT_YET_VALID`, `DIRECTORY_STALE`,
 * `CHAIN_BROKEN`, `CLOCK_SKEW`, `SUITE_REFUSED`, `HISTORY_UNAVAILABLE`, `SESSION_UNKNOWN`, `OPEN_FAILED`
 */
export async function acceptNegotiation(context: Context, envelope: Envelope): Promise<AcceptedNegotiation> {
  const { application, backend, me } = context
  const { jws, keys } = envelope.negotiation!
  const claimed = readNegotiation(jws)
  requireSameMessage(claimed, envelope)
  requireTimely(context, claimed)
  const sender = await senderOf(context, claimed)
  const verifyKey = await signingKeyOf(context, sender, claimed)
  const payload = await verifyNegotiation(backend, verifyKey, jws)
  requireSuite(context, verifyKey, payload)
  const mine = requireMine(context, payload)

  const encryptionKey = await me.findEncryptionKey(mine.key)
  if (!encryptionKey) {
    throw new KeyhavenError('KEY_EXPIRED', 'the message is for a key of this device that is erased')
  }
  const wrapped = Object.hasOwn(keys, me.device) ? keys[me.device] : undefined
  if (wrapped === undefined) {
    throw new KeyhavenError('SESSION_UNKNOWN', 'the sender took it that this device has the session key')
  }
  const info = wrapInfo({ application, session: payload.session, sender: payload.sender, recipient: mine })
  const key = await unwrapKey(backend, encryptionKey, info, wrapped)
  const commitment = await commitmentOf(backend, payload.profile, payload.session, key)
  const committed = equalConstantTime(commitment, fromBase64url(payload.commitment))
  if (key.length !== sessionKeyBytes(payload.profile) || !committed) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the signature is for another session key')
  }
  const chainKey = await firstChainKey(backend, key, application, payload.session)
  overwrite(key)
  return {
    session: {
      username: payload.sender.username,
      device: payload.sender.device,
      chain: sender.user.chain,
      profile: payload.profile,
      issued: payload.issued,
      repaired: false,
    },
    chain: { chainKey, next: 0, skipped: new Map() },
    sole: payload.recipients.length === 1,
  }
}

/** Envelope and statement must speak of the same thing, so that neither can be put beside another. */
function requireSameMessage(payload: NegotiationPayload, envelope: Envelope): void {
  const { application, session, from } = envelope
  const { sender } = payload
  if (
    payload.application !== application ||
    payload.session !== session ||
    sender.username !== from.username ||
    sender.device !== from.device
  ) {
    throw new KeyhavenError('SIGNATURE_INVALID', 'the negotiation belongs to another message')
  }
}

function requireTimely({ now, settings }: Context, { issued }: NegotiationPayload): void {
  if (issued > now() + settings.skewSeconds) {
    throw new KeyhavenError('CLOCK_SKEW', 'the negotiation is from the future: check the clocks')
  }
  if (issued < now() - MAX_NEGOTIATION_AGE_SECONDS) {
    throw new KeyhavenError('SESSION_UNKNOWN', 'the negotiation is too old')
  }
}

/** The sender's chain, at least as new as the sender knew it. */
async function senderOf({ people }: Context, { sender }: NegotiationPayload): Promise<KnownUser> {
  const { sequence, head } = sender
  let known = await people.user(sender.username)
  if (known.user.sequence === sequence && known.user.head === head) return known
  // Older or newer: the sender's head must be in the chain either way.
  known = await people.freshFor(sender.username, { sequence, head })
  if (known.user.sequence < sequence) {
    throw new KeyhavenError('DIRECTORY_STALE', 'the directory does not show what the sender knows of itself')
  }
  if (known.user.sequence === sender.sequence && known.user.head !== sender.head) {
    throw new KeyhavenError('CHAIN_BROKEN', 'the directory shows another chain than the sender has')
  }
  return known
}

/** The key that the sender's device had when it signed: its newest, or one renewed since. */
async function signingKeyOf(
  context: Context,
  { user, devices }: KnownUser,
  { sender, issued }: NegotiationPayload,
): Promise<DeviceVerifyKey & { readonly profile?: ProfileName }> {
  const { skewSeconds } = context.settings
  const device = devices.get(sender.device)
  if (device && device.entry === sender.entry) {
    if (issued < device.since - skewSeconds) {
      throw new KeyhavenError('SIGNATURE_INVALID', 'the negotiation is older than the key that signed it')
    }
    return { ...device.signingKey, profile: device.profile }
  }
  const refusal = user.refused.find((refused) => refused.device === sender.device)
  if (refusal && refusal.code !== 'KEY_EXPIRED') throw refusedSender(refusal.code)
  const recorded = await context.directory.recordedKeys(sender.username)
  const ofDevice = recorded.filter((key) => key.device === sender.device && key.chain === user.chain)
  const newest = ofDevice.find((key) => key.supersededAt === undefined)
  // Who was away for weeks has no encryption key that counts; what was signed before is still theirs.
  if (refusal && (newest === undefined || newest.expires <= context.now())) throw refusedSender(refusal.code)
  const key = recorded.find(({ device, entry }) => device === sender.device && entry === sender.entry)
  if (!key) throw new KeyhavenError('SIGNATURE_INVALID', 'the sending device is not in the directory')
  if (!ofDevice.includes(key) || key.revokedAt !== undefined) throw refusedSender('DEVICE_REVOKED')
  if (key.supersededAt === undefined) {
    if (!refusal) throw refusedSender('DEVICE_REVOKED')
    if (issued < key.issued - skewSeconds) {
      throw new KeyhavenError('SIGNATURE_INVALID', 'the negotiation is older than the key that signed it')
    }
    return key.signingKey
  }
  // Signed before the renewal, under way during it. Nothing that is signed later counts.
  const inTime = issued <= key.supersededAt + skewSeconds && issued <= key.expires
  if (!inTime || issued < key.issued - skewSeconds) {
    throw new KeyhavenError('KEY_EXPIRED', 'the sender signed with a key that it had renewed')
  }
  return key.signingKey
}

export function refusedSender(code: string): KeyhavenError {
  if (code === 'KEY_EXPIRED') return new KeyhavenError('KEY_EXPIRED', "the sender's key has expired")
  if (code === 'KEY_NOT_YET_VALID') {
    return new KeyhavenError('KEY_NOT_YET_VALID', "the sender's key is not valid yet")
  }
  if (code === 'DIRECTORY_STALE') {
    return new KeyhavenError(
      'DIRECTORY_STALE',
      'the directory withholds the newest key of the sending device',
    )
  }
  if (code === 'DEVICE_REVOKED' || code === 'CHAIN_RESET') {
    return new KeyhavenError('SENDER_REVOKED', 'the sending device was revoked')
  }
  if (code === 'SUITE_REFUSED') {
    return new KeyhavenError('SUITE_REFUSED', 'the suite of the sending device is not switched on here')
  }
  return new KeyhavenError('RECORD_INVALID', 'the record of the sending device is not valid')
}

/** Nobody talks a sender's device down to a lower suite than the directory records. */
function requireSuite(
  { settings }: Context,
  recorded: DeviceVerifyKey & { readonly profile?: ProfileName },
  { profile }: NegotiationPayload,
): void {
  const isRecorded = recorded.profile === undefined || recorded.profile === profile
  if (!isRecorded || PROFILES[profile].algorithm !== recorded.algorithm) {
    throw new KeyhavenError('SUITE_REFUSED', 'the negotiation names another suite than the directory')
  }
  if (profile === 'rsa1024-legacy' && !settings.allowLegacy) {
    throw new KeyhavenError('SUITE_REFUSED', 'rsa1024-legacy is not switched on here')
  }
}

function requireMine({ me }: Context, payload: NegotiationPayload): NegotiationRecipient {
  const mine = payload.recipients.find(
    ({ username, device }) => username === me.username && device === me.device,
  )
  if (mine) return mine
  const forMyUser =
    payload.sender.username === me.username ||
    payload.recipients.some(({ username }) => username === me.username)
  if (forMyUser) {
    throw new KeyhavenError('HISTORY_UNAVAILABLE', 'the message was sent to other devices of this user')
  }
  throw new KeyhavenError('SIGNATURE_INVALID', 'what the sender signed is for other people')
}
