import {
  type Awaitable,
  type CryptoBackend,
  fromBase64url,
  KeyhavenError,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import type { DeviceSigner, DeviceVerifyKey, ProfileName } from '../directory-port.ts'
import { chain } from '../session/chain.ts'
import { signDeviceJws, unverifiedPayload, verifyDeviceJws } from './device-jws.ts'
import { MAX_NEGOTIATION_JWS_CHARACTERS, MAX_RECIPIENT_DEVICES } from './limits.ts'
import {
  malformed,
  requireApplication,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireSessionId,
  requireUsername,
  requireWhole,
} from './member-checks.ts'

export const NEGOTIATION_TYP = 'keyhaven-negotiation+jws'
export const NEGOTIATION_VERSION = 1
const COMMITMENT_LABEL = utf8('keyhaven session key v1')

/** A device that gets the session key. */
export interface NegotiationRecipient {
  readonly username: string
  readonly device: string
  /** Hash of its newest device entry. */
  readonly entry: string
  /** Thumbprint of the encryption key that the session key is wrapped for. */
  readonly key: string
}

/**
 * What the sender signs: compact JWS, header `{alg, typ: 'keyhaven-negotiation+jws'}`, alg EdDSA, PS256, or RS256 in
 * `rsa1024-legacy`. Binary: base64url.
 */
export interface NegotiationPayload {
  readonly v: 1
  readonly application: string
  /** The sender's; it decides the message AEAD: AES-128-GCM in `rsa1024-legacy`, otherwise AES-256-GCM. */
  readonly profile: ProfileName
  /** 16 random bytes. */
  readonly session: string
  readonly sender: {
    readonly username: string
    readonly device: string
    /** Hash of its newest device entry. */
    readonly entry: string
    /** Hash and sequence of the newest entry of the sender's chain: an older look-up is `DIRECTORY_STALE`. */
    readonly head: string
    readonly sequence: number
  }
  /** Devices of one user, and the sender's other ones. */
  readonly recipients: readonly NegotiationRecipient[]
  /** Seconds since epoch. */
  readonly issued: number
  /**
   * SHA-256("keyhaven session key v1" ‖ session, 16 bytes ‖ session key). In `rsa1024-legacy` SHA-256(session key)
   * alone, as seed 002 has it ("Key Negotiation", step 6).
   */
  readonly commitment: string
}

const PROFILES: readonly ProfileName[] = ['x-wing', 'x25519', 'rsa3072', 'rsa1024-legacy']

/** Commitment of a negotiation to its session key. */
export function commitmentOf(
  backend: CryptoBackend,
  profile: ProfileName,
  session: string,
  key: Uint8Array,
): Awaitable<Uint8Array> {
  if (profile === 'rsa1024-legacy') return backend.sha256(key)
  const bytes = new Writer(128).bytes(COMMITMENT_LABEL).bytes(fromBase64url(session)).bytes(key).done()
  return chain(backend.sha256(bytes), (digest) => {
    bytes.fill(0)
    return digest
  })
}

export function signNegotiation(signer: DeviceSigner, payload: NegotiationPayload): Promise<string> {
  return signDeviceJws(signer, NEGOTIATION_TYP, payload)
}

/** Not verified: says whose key to verify with. Throws as {@link verifyNegotiation}. */
export function readNegotiation(jws: string): NegotiationPayload {
  return decodeNegotiationPayload(unverifiedPayload(jws))
}

/** @throws KeyhavenError `SIGNATURE_INVALID`, `RECORD_INVALID`, `SUITE_REFUSED`, `WIRE_MALFORMED`, `WIRE_TOO_LARGE` */
export async function verifyNegotiation(
  backend: CryptoBackend,
  key: DeviceVerifyKey,
  jws: string,
): Promise<NegotiationPayload> {
  const expected = { typ: NEGOTIATION_TYP, maxBytes: MAX_NEGOTIATION_JWS_CHARACTERS }
  return decodeNegotiationPayload(await verifyDeviceJws(backend, key, jws, expected))
}

const MEMBERS = ['v', 'application', 'profile', 'session', 'sender', 'recipients', 'issued', 'commitment']

function decodeNegotiationPayload(value: unknown): NegotiationPayload {
  const json = requireMembers(value, MEMBERS, 'negotiation')
  if (json.v !== NEGOTIATION_VERSION) throw malformed('negotiation version')
  const profile = PROFILES.find((name) => name === json.profile)
  if (!profile) throw new KeyhavenError('SUITE_REFUSED', 'the profile is not known')
  const sender = requireMembers(json.sender, ['username', 'device', 'entry', 'head', 'sequence'], 'sender')
  if (!Array.isArray(json.recipients) || json.recipients.length === 0) throw malformed('recipients')
  if (json.recipients.length > MAX_RECIPIENT_DEVICES) {
    throw new KeyhavenError('WIRE_TOO_LARGE', 'too many recipient devices')
  }
  const username = requireUsername(sender.username)
  const recipients = json.recipients.map(decodeRecipient)
  requireOneUser(username, recipients)
  return {
    v: NEGOTIATION_VERSION,
    application: requireApplication(json.application),
    profile,
    session: requireSessionId(json.session),
    sender: {
      username,
      device: requireDeviceId(sender.device),
      entry: requireHash(sender.entry, 'entry'),
      head: requireHash(sender.head, 'head'),
      sequence: requireWhole(sender.sequence, Number.MAX_SAFE_INTEGER, 'sequence'),
    },
    recipients,
    issued: requireWhole(json.issued, Number.MAX_SAFE_INTEGER, 'issued'),
    commitment: requireHash(json.commitment, 'commitment'),
  }
}

/** Of two users who have one session's key, each could write to the other as its sender. */
function requireOneUser(sender: string, recipients: readonly NegotiationRecipient[]): void {
  const others = recipients.filter(({ username }) => username !== sender)
  if (others.some(({ username }) => username !== others[0]!.username)) {
    throw new KeyhavenError('RECORD_INVALID', 'the negotiation is with more than one user')
  }
}

function decodeRecipient(value: unknown): NegotiationRecipient {
  const json = requireMembers(value, ['username', 'device', 'entry', 'key'], 'recipient')
  return {
    username: requireUsername(json.username),
    device: requireDeviceId(json.device),
    entry: requireHash(json.entry, 'entry'),
    key: requireHash(json.key, 'key'),
  }
}

export const commitmentText = (commitment: Uint8Array): string => toBase64url(commitment)
