import {
  type AeadName,
  type CryptoBackend,
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import type { DeviceSigner, DeviceVerifyKey } from '../directory-port.ts'
import { signDeviceJws, unverifiedPayload, verifyDeviceJws } from '../wire/device-jws.ts'
import { parseJson } from '../wire/envelope.ts'
import { MAX_MESSAGE_NUMBER } from '../wire/limits.ts'
import {
  malformed,
  requireApplication,
  requireDeviceId,
  requireHash,
  requireMembers,
  requireSessionId,
  requireUsername,
  requireWhole,
} from '../wire/member-checks.ts'
import type { DeviceName } from './messenger.ts'

export const REPAIR_TYPE = 'keyhaven-repair'
export const REPAIR_TYP = 'keyhaven-repair+jws'
export const REPAIR_VERSION = 1
const MAX_REPAIR_JWS_CHARACTERS = 8_192
/** Messages asked for, or answered, at once. */
export const MAX_REPAIRED_MESSAGES = 256
const MESSAGE_KEY_CHARACTERS = 43

/**
 * What a device that cannot read messages signs. It travels as `{v: 1, type: "keyhaven-repair", jws}`; compact JWS, header
 * `{alg, typ: 'keyhaven-repair+jws'}`.
 */
export interface RepairRequest {
  readonly v: 1
  readonly application: string
  /** 16 random bytes, base64url. */
  readonly id: string
  /** Who asks; `entry` is the hash of its newest device entry. */
  readonly from: DeviceName & { readonly entry: string }
  /** The device that sent the messages. */
  readonly to: DeviceName
  readonly session: string
  /** Numbers of the messages in the session. */
  readonly numbers: readonly number[]
  /** Seconds since epoch. */
  readonly issued: number
}

export async function encodeRepairRequest(signer: DeviceSigner, request: RepairRequest): Promise<string> {
  const jws = await signDeviceJws(signer, REPAIR_TYP, request)
  return JSON.stringify({ v: REPAIR_VERSION, type: REPAIR_TYPE, jws })
}

/** Whether a text that came by the transport is a repair request, for `answerRepair`, rather than a message. */
export function isRepairRequest(text: string): boolean {
  try {
    return (parseJson(text) as { type?: unknown } | null)?.type === REPAIR_TYPE
  } catch {
    return false
  }
}

/** Not verified; `verify` does that with the asking device's key. Throws `WIRE_MALFORMED`, `WIRE_TOO_LARGE`. */
export function decodeRepairRequest(text: string): {
  readonly claimed: RepairRequest
  verify(backend: CryptoBackend, key: DeviceVerifyKey): Promise<RepairRequest>
} {
  const json = requireMembers(parseJson(text), ['v', 'type', 'jws'], 'repair request')
  const { jws } = json
  if (json.v !== REPAIR_VERSION || json.type !== REPAIR_TYPE || typeof jws !== 'string') {
    throw malformed('repair request')
  }
  if (jws.length > MAX_REPAIR_JWS_CHARACTERS) throw new KeyhavenError('WIRE_TOO_LARGE', 'repair request')
  const expected = { typ: REPAIR_TYP, maxBytes: MAX_REPAIR_JWS_CHARACTERS }
  return {
    claimed: decodePayload(unverifiedPayload(jws)),
    verify: async (backend, key) => decodePayload(await verifyDeviceJws(backend, key, jws, expected)),
  }
}

const MEMBERS = ['v', 'application', 'id', 'from', 'to', 'session', 'numbers', 'issued']

function decodePayload(value: unknown): RepairRequest {
  const json = requireMembers(value, MEMBERS, 'repair request')
  if (json.v !== REPAIR_VERSION) throw malformed('repair request version')
  const from = requireMembers(json.from, ['username', 'device', 'entry'], 'from')
  const to = requireMembers(json.to, ['username', 'device'], 'to')
  if (!Array.isArray(json.numbers) || json.numbers.length > MAX_REPAIRED_MESSAGES) throw malformed('numbers')
  return {
    v: REPAIR_VERSION,
    application: requireApplication(json.application),
    id: requireSessionId(json.id),
    from: {
      username: requireUsername(from.username),
      device: requireDeviceId(from.device),
      entry: requireHash(from.entry, 'entry'),
    },
    to: { username: requireUsername(to.username), device: requireDeviceId(to.device) },
    session: requireSessionId(json.session),
    numbers: json.numbers.map((n) => requireWhole(n, MAX_MESSAGE_NUMBER, 'number')),
    issued: requireWhole(json.issued, Number.MAX_SAFE_INTEGER, 'issued'),
  }
}

/** Message keys of one session, in the body of a frame of kind `message-keys`: JSON `{session, aead, keys: [[n, key]]}`. */
export interface MessageKeys {
  readonly session: string
  readonly aead: AeadName
  readonly keys: readonly (readonly [number, Uint8Array])[]
}

export function encodeMessageKeys({ session, aead, keys }: MessageKeys): Uint8Array {
  return utf8(JSON.stringify({ session, aead, keys: keys.map(([n, key]) => [n, toBase64url(key)]) }))
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeMessageKeys(body: Uint8Array): MessageKeys {
  const json = requireMembers(parseJson(fromUtf8(body)), ['session', 'aead', 'keys'], 'message keys')
  const { aead, keys } = json
  if (aead !== 'aes-256-gcm' && aead !== 'aes-128-gcm') throw malformed('aead')
  if (!Array.isArray(keys) || keys.length > MAX_REPAIRED_MESSAGES) throw malformed('message keys')
  return {
    session: requireSessionId(json.session),
    aead,
    keys: keys.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw malformed('message key')
      const [n, key] = pair
      if (typeof key !== 'string' || key.length !== MESSAGE_KEY_CHARACTERS) throw malformed('message key')
      return [requireWhole(n, MAX_MESSAGE_NUMBER, 'number'), fromBase64url(key)] as const
    }),
  }
}
