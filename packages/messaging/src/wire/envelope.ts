import { KeyhavenError } from '@keyhaven/crypto'
import {
  MAX_ENVELOPE_CHARACTERS,
  MAX_MESSAGE_NUMBER,
  MAX_NEGOTIATION_JWS_CHARACTERS,
  MAX_RECIPIENT_DEVICES,
} from './limits.ts'
import {
  malformed,
  requireApplication,
  requireDeviceId,
  requireMembers,
  requireSessionId,
  requireUsername,
  requireWhole,
} from './member-checks.ts'

export const ENVELOPE_VERSION = 1
export const MESSAGE_TYPE = 'keyhaven-message'

/** The session key for devices that have not answered yet, with the signed statement about it. */
export interface EnvelopeNegotiation {
  /** Compact JWS, see {@link NegotiationPayload}. */
  readonly jws: string
  /** Wrapped session key by device id, base64url. */
  readonly keys: Readonly<Record<string, string>>
}

/**
 * A message, as it travels: JSON
 * `{v: 1, type: "keyhaven-message", application, session, from: {username, device}, n, negotiation?: {jws, keys},
 * ciphertext}`. Other members are refused.
 */
export interface Envelope {
  readonly application: string
  /** 16 bytes, base64url. */
  readonly session: string
  readonly from: { readonly username: string; readonly device: string }
  /** Number of the message in its session, from 0. */
  readonly n: number
  readonly negotiation: EnvelopeNegotiation | undefined
  /** AES-GCM ciphertext and tag, base64url. */
  readonly ciphertext: string
}

/** All of an envelope that does not change within a session. */
export function envelopeHead(envelope: Pick<Envelope, 'application' | 'session' | 'from'>): string {
  const { application, session, from } = envelope
  const head = {
    v: ENVELOPE_VERSION,
    type: MESSAGE_TYPE,
    application,
    session,
    from: { username: from.username, device: from.device },
  }
  return `${JSON.stringify(head).slice(0, -1)},"n":`
}

/** The negotiation as JSON; made once for as long as it does not change. */
export function negotiationJson(negotiation: EnvelopeNegotiation): string {
  return `,"negotiation":${JSON.stringify({ jws: negotiation.jws, keys: negotiation.keys })}`
}

/** Put together from its parts: nothing is stringified twice. */
export function encodeEnvelope(head: string, n: number, negotiation: string, ciphertext: string): string {
  const envelope = `${head}${n}${negotiation},"ciphertext":"${ciphertext}"}`
  if (envelope.length > MAX_ENVELOPE_CHARACTERS) {
    throw new KeyhavenError(
      'WIRE_TOO_LARGE',
      `the message is too long: its envelope is over ${MAX_ENVELOPE_CHARACTERS} characters`,
    )
  }
  return envelope
}

/** @throws KeyhavenError `WIRE_TOO_LARGE`, `WIRE_MALFORMED` */
export function parseJson(text: string): unknown {
  if (typeof text !== 'string') throw malformed('envelope')
  if (text.length > MAX_ENVELOPE_CHARACTERS) {
    throw new KeyhavenError('WIRE_TOO_LARGE', `envelope over ${MAX_ENVELOPE_CHARACTERS} characters`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('envelope')
  }
}

const MEMBERS = ['v', 'type', 'application', 'session', 'from', 'n', 'negotiation?', 'ciphertext']

/** @throws KeyhavenError `WIRE_TOO_LARGE`, `WIRE_MALFORMED` on anything but an exact envelope. */
export function decodeEnvelope(text: string): Envelope {
  const json = requireMembers(parseJson(text), MEMBERS, 'envelope')
  if (json.v !== ENVELOPE_VERSION || json.type !== MESSAGE_TYPE) throw malformed('envelope type')
  const from = requireMembers(json.from, ['username', 'device'], 'from')
  if (typeof json.ciphertext !== 'string') throw malformed('ciphertext')
  return {
    application: requireApplication(json.application),
    session: requireSessionId(json.session),
    from: { username: requireUsername(from.username), device: requireDeviceId(from.device) },
    n: requireWhole(json.n, MAX_MESSAGE_NUMBER, 'n'),
    negotiation: json.negotiation === undefined ? undefined : decodeNegotiation(json.negotiation),
    ciphertext: json.ciphertext,
  }
}

function decodeNegotiation(value: unknown): EnvelopeNegotiation {
  const { jws, keys } = requireMembers(value, ['jws', 'keys'], 'negotiation')
  if (typeof jws !== 'string' || jws.length > MAX_NEGOTIATION_JWS_CHARACTERS) throw malformed('negotiation')
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) throw malformed('keys')
  const entries = Object.entries(keys)
  if (entries.length > MAX_RECIPIENT_DEVICES) throw new KeyhavenError('WIRE_TOO_LARGE', 'too many devices')
  const wrapped: Record<string, string> = Object.create(null)
  for (const [device, key] of entries) {
    if (typeof key !== 'string') throw malformed('wrapped key')
    wrapped[requireDeviceId(device)] = key
  }
  return { jws, keys: wrapped }
}
