import { KeyhavenError, overwrite, toBase64url } from '@keyhaven/crypto'
import { toRecord } from '../device/key-record.ts'
import type { VerifiedDevice } from '../directory-port.ts'
import { adviceOn } from '../messenger/advice.ts'
import type { Context } from '../messenger/context.ts'
import type { DeviceName, LeftOut } from '../messenger/messenger.ts'
import type { KnownUser } from '../messenger/people.ts'
import { type EnvelopeNegotiation, envelopeHead, negotiationJson } from '../wire/envelope.ts'
import { MAX_NEGOTIATION_CHARACTERS, MAX_RECIPIENT_DEVICES, SESSION_ID_BYTES } from '../wire/limits.ts'
import { messageHeaderHead } from '../wire/message-header.ts'
import {
  commitmentOf,
  commitmentText,
  NEGOTIATION_VERSION,
  type NegotiationPayload,
  signNegotiation,
} from '../wire/negotiation.ts'
import { wrapInfo, wrapKey } from '../wire/wrapped-key.ts'
import { messageAead, sessionKeyBytes } from './profiles.ts'
import { firstChainKey, SendingChain } from './ratchet.ts'
import { SendingSession } from './sending-session.ts'

export const SENT_PREFIX = 'sent/'

/** Which devices a session was first addressed to, in which chains: only they are ever sent its keys again. */
export interface SentRecord {
  /** Seconds since epoch. */
  readonly issued: number
  readonly recipients: readonly (DeviceName & { readonly chain: number })[]
}

/**
 * Whom to negotiate with: one user, with the sender's other devices, or just one device. Never two users: each of them
 * has the session key, and could write to the other in the sender's name.
 */
export interface SessionAudience {
  readonly username: string
  readonly only?: DeviceName
}

interface Wrapped {
  readonly username: string
  readonly chain: number
  readonly device: VerifiedDevice
  readonly key: string
}

/** What {@link fingerprintFor} says of a user that cannot be looked up. */
const failedFingerprint = (code: string): string => `failed ${code}`

/** @returns the fingerprint and, unless the look-up failed, the user. Throws what is not about the user. */
export async function fingerprintFor(
  context: Context,
  username: string,
): Promise<{ fingerprint: string; known?: KnownUser; error?: KeyhavenError }> {
  try {
    const known = await context.people.user(username)
    return { fingerprint: known.fingerprint, known }
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    return { fingerprint: failedFingerprint(error.code), error }
  }
}

/**
 * Negotiates a session key (seed 002, "Key Negotiation", steps 2 to 7).
 *
 * @throws KeyhavenError about this device itself, or, if nobody is left to send to, about the recipient.
 */
export async function openSendingSession(
  context: Context,
  audience: SessionAudience,
): Promise<SendingSession> {
  const { application, backend, me, settings } = context
  // Whatever changes from here on is checked again before the next message.
  const { generation } = context.people
  const own = await requireOwnRecord(context)
  const leftOut: LeftOut[] = []
  const fingerprints = new Map([[me.username, own.fingerprint]])
  const candidates: { username: string; chain: number; device: VerifiedDevice }[] = []
  const now = context.now()
  let checkedUntil = own.relyUntil
  const devicesOf = ({ user }: KnownUser): void => {
    for (const { device, code } of user.refused) {
      if (device === me.device && user.username === me.username) continue
      if (!audience.only) leftOut.push(leaveOut(user.username, code as LeftOut['code'], device))
    }
    for (const device of user.devices) {
      if (user.username === me.username && device.device === me.device) continue
      if (
        audience.only &&
        (audience.only.device !== device.device || audience.only.username !== user.username)
      )
        continue
      const refusal = refusalOf(device, now, settings.allowLegacy)
      if (refusal) leftOut.push(leaveOut(user.username, refusal, device.device))
      else candidates.push({ username: user.username, chain: user.chain, device })
    }
  }
  if (!audience.only || audience.only.username === me.username) devicesOf(own)
  const { username } = audience
  if (username !== me.username) {
    const { fingerprint, known, error } = await fingerprintFor(context, username)
    fingerprints.set(username, fingerprint)
    if (known) {
      checkedUntil = Math.min(checkedUntil, known.relyUntil)
      const { devices, refused } = known.user
      if (devices.length === 0 && refused.length === 0) leftOut.push(leaveOut(username, 'NOT_FOUND'))
      if (known.trust === 'reset') leftOut.push(leaveOut(username, 'CHAIN_RESET'))
      else devicesOf(known)
    } else leftOut.push(leaveOut(username, error!.code))
  }
  if (candidates.length > MAX_RECIPIENT_DEVICES) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `more than ${MAX_RECIPIENT_DEVICES} recipient devices`)
  }

  const session = toBase64url(backend.randomBytes(SESSION_ID_BYTES))
  const key = backend.randomBytes(sessionKeyBytes(me.profile))
  const sender = { username: me.username, device: me.device, entry: me.entry! }
  const wrapped: Wrapped[] = []
  const taken = new Set<string>()
  for (const { username, chain, device } of candidates) {
    const recipient = { username, device: device.device, entry: device.entry }
    try {
      if (taken.has(device.device)) throw new KeyhavenError('RECORD_INVALID', 'two devices have one id')
      const info = wrapInfo({ application, session, sender, recipient })
      wrapped.push({ username, chain, device, key: await wrapKey(backend, device.encryption.jwk, info, key) })
      taken.add(device.device)
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      const code = error.code === 'UNSUPPORTED' ? 'UNSUPPORTED' : 'RECORD_INVALID'
      leftOut.push(leaveOut(username, code, device.device))
    }
  }
  requireSomebody(audience, wrapped, leftOut)
  const payload: NegotiationPayload = {
    v: NEGOTIATION_VERSION,
    application,
    profile: me.profile,
    session,
    sender: { ...sender, head: own.user.head, sequence: own.user.sequence },
    recipients: wrapped.map(({ username, device }) => ({
      username,
      device: device.device,
      entry: device.entry,
      key: device.encryption.thumbprint,
    })),
    issued: now,
    commitment: commitmentText(await commitmentOf(backend, me.profile, session, key)),
  }
  const negotiation: EnvelopeNegotiation = {
    jws: await signNegotiation(me.signingKey, payload),
    keys: Object.fromEntries(wrapped.map(({ device, key }) => [device.device, key])),
  }
  if (negotiationJson(negotiation).length > MAX_NEGOTIATION_CHARACTERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'too many recipient devices for one message')
  }
  const chainKey = await firstChainKey(backend, key, application, session)
  overwrite(key)
  await rememberSent(context, session, { issued: now, recipients: wrapped.map(sentTo) })
  const identity = { application, session, from: { username: me.username, device: me.device } }
  const ends = wrapped.map(({ device }) => device.encryption.expires)
  const opened = new SendingSession(backend, {
    id: session,
    usernames: [...new Set([me.username, audience.username])],
    chain: new SendingChain(backend, chainKey),
    aead: messageAead(me.profile),
    fingerprints,
    recipients: wrapped.map(({ username, device }) => ({ username, device: device.device })),
    leftOut,
    negotiation,
    envelopeHead: envelopeHead(identity),
    headerHead: messageHeaderHead(identity),
    endsAt: Math.min(now + settings.maxSessionSeconds, ...ends) * 1_000,
  })
  opened.checkedGeneration = generation
  opened.checkedUntil = checkedUntil
  return opened
}

const sentTo = ({ username, device, chain }: Wrapped): SentRecord['recipients'][number] => ({
  username,
  device: device.device,
  chain,
})

/** This device must be in its user's chain, current, under the keys that it has. */
export async function requireOwnRecord(context: Context): Promise<KnownUser> {
  const { me, people } = context
  let own = await people.user(me.username)
  if (own.devices.get(me.device)?.entry === me.entry && me.entry !== undefined) return own
  // Renewed a moment ago, here or in another process.
  await me.reload()
  own = await people.fresh(me.username)
  if (own.devices.get(me.device)?.entry === me.entry && me.entry !== undefined) return own
  const refusal = own.user.refused.find(({ device }) => device === me.device)
  if (refusal?.code === 'DEVICE_REVOKED') {
    throw new KeyhavenError('DEVICE_REVOKED', 'this device was revoked: enrol it anew')
  }
  if (refusal?.code === 'KEY_NOT_YET_VALID') {
    throw new KeyhavenError('KEY_NOT_YET_VALID', 'the key of this device is not valid yet: check its clock')
  }
  if (refusal || own.devices.has(me.device)) {
    throw new KeyhavenError('KEY_EXPIRED', 'the key of this device is not current: renew it')
  }
  throw new KeyhavenError('CHAIN_RESET', 'this user was reset or the device is not recorded: enrol it anew')
}

function refusalOf(device: VerifiedDevice, now: number, allowLegacy: boolean): LeftOut['code'] | undefined {
  if (device.encryption.expires <= now) return 'KEY_EXPIRED'
  if (device.profile === 'rsa1024-legacy' && !allowLegacy) return 'SUITE_REFUSED'
  return undefined
}

function leaveOut(username: string, code: LeftOut['code'], device?: string): LeftOut {
  return { username, ...(device === undefined ? {} : { device }), code, advice: adviceOn(code) }
}

/** The sender's own devices alone are nobody, unless the message is for them. */
function requireSomebody(
  audience: SessionAudience,
  wrapped: readonly Wrapped[],
  leftOut: readonly LeftOut[],
): void {
  if (wrapped.some(({ username }) => username === audience.username)) return
  const reason = leftOut.find(({ username }) => username === audience.username)
  if (reason) throw new KeyhavenError(reason.code, `nobody to send to. ${reason.advice}`)
  throw new KeyhavenError('NOT_FOUND', 'nobody to send to: the recipient has no other device')
}

async function rememberSent({ store }: Context, session: string, record: SentRecord): Promise<void> {
  const key = SENT_PREFIX + session
  const put = [{ key, value: toRecord(record) }]
  if (!(await store.commit({ expect: [{ key, version: null }], put }))) {
    throw new KeyhavenError('CONFLICT', 'a session id was drawn twice: the random generator is broken')
  }
}
