import { KeyhavenError } from '@keyhaven/crypto'
import { parsePoolIndex } from './pool-index.ts'

export const CREDENTIAL_PUBLISHER = 'CREDENTIAL_SERVICE'
/** `type` of MOSIP's events. */
export const CREDENTIAL_EVENT_TYPE = { name: 'mosip', namespace: 'mosip' } as const
/** Events that tell an IDA about a person; each is the second half of a topic, `PARTNER/CREDENTIAL_ISSUED`. */
export const CREDENTIAL_TOPICS = ['CREDENTIAL_ISSUED', 'ACTIVATE_ID', 'DEACTIVATE_ID', 'REMOVE_ID'] as const
export type CredentialTopic = (typeof CREDENTIAL_TOPICS)[number]

/** How a person is found at the IDA. */
export interface VaultIdentifier {
  /** `mosip`: UPPERHEX(SHA-256(id ‖ salt)); `keyhaven`: the look-up tag, base64url of 32 bytes. */
  readonly idHash: string
  /** `mosip` only: which salt, 0 to 999, and the salt. */
  readonly modulo?: number
  readonly salt?: string
  /** `keyhaven` only: version of the key of the oblivious PRF. */
  readonly oprfKey?: number
}

/** The pool key of one group of attributes. */
export interface RandomKey {
  readonly index: number
  /** For each certificate of the IDA, joined by dots. */
  readonly encryptedRandomKey: string
}

/** What a `CREDENTIAL_ISSUED` event says. */
export interface CredentialEvent {
  readonly topic: string
  /** ISO 8601, UTC. */
  readonly publishedOn: string
  /** Event id. */
  readonly id: string
  /** Credential request's id. */
  readonly transactionId: string
  readonly type: { readonly name: string; readonly namespace: string }
  readonly timestamp: string
  readonly dataShareUri?: string
  readonly identifier: VaultIdentifier
  /** Token of the person for this partner. */
  readonly token: string
  /** ISO 8601, or null: never. */
  readonly expiresAt: string | null
  /** Authentications allowed, or null: no limit. */
  readonly transactionLimit: number | null
  readonly demographics?: RandomKey
  readonly biometrics?: RandomKey
  /** Detached JWS of the issuer over the credential's bytes; absent in events without one. */
  readonly signature?: string
  readonly credentialType: string
  /** MOSIP's name of a key that protects a credential by a PIN; empty if there is none. */
  readonly protectionKey: string
}

/** The inner part of the event, as it is published: topic, publisher and date are the outbox's. */
export interface EncodedCredentialEvent {
  readonly id: string
  readonly transactionId: string
  readonly type: { readonly name: string; readonly namespace: string }
  readonly timestamp: string
  readonly dataShareUri?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** To be published; only one about an IDA's person names a hash. */
export type NewCredentialEvent = Omit<CredentialEvent, 'topic' | 'publishedOn' | 'identifier'> & {
  readonly identifier?: VaultIdentifier
}

/** `event` of the JSON, in MOSIP's words; `rankom` is how they are spelt on the wire. */
export function encodeCredentialEvent(event: NewCredentialEvent): EncodedCredentialEvent {
  const { identifier, demographics, biometrics } = event
  return {
    id: event.id,
    transactionId: event.transactionId,
    type: { name: event.type.name, namespace: event.type.namespace },
    timestamp: event.timestamp,
    ...(event.dataShareUri !== undefined && { dataShareUri: event.dataShareUri }),
    data: {
      ...(identifier !== undefined && encodeIdentifier(identifier)),
      TOKEN: event.token,
      expiry_timestamp: event.expiresAt,
      transaction_limit: event.transactionLimit,
      ...(demographics !== undefined && {
        demoEncryptedRandomKey: demographics.encryptedRandomKey,
        demoRankomKeyIndex: String(demographics.index),
      }),
      ...(biometrics !== undefined && {
        bioEncryptedRandomKey: biometrics.encryptedRandomKey,
        bioRankomKeyIndex: String(biometrics.index),
      }),
      ...(event.signature !== undefined && { proof: { signature: event.signature } }),
      credentialType: event.credentialType,
      protectionKey: event.protectionKey,
    },
  }
}

function encodeIdentifier({ idHash, modulo, salt, oprfKey }: VaultIdentifier): Record<string, string> {
  return {
    id_hash: idHash,
    ...(modulo !== undefined && { MODULO: String(modulo) }),
    ...(salt !== undefined && { SALT: salt }),
    ...(oprfKey !== undefined && { OPRF_KEY: String(oprfKey) }),
  }
}

/** @throws KeyhavenError `WIRE_MALFORMED` on anything that is no event about a person. */
export function decodeCredentialEvent(json: unknown): CredentialEvent {
  const outer = record(json)
  const event = record(outer.event)
  const data = record(event.data)
  const type = event.type === undefined ? {} : record(event.type)
  const proof = data.proof === undefined ? {} : record(data.proof)
  const demographics = randomKey(data.demoEncryptedRandomKey, data.demoRankomKeyIndex)
  const biometrics = randomKey(data.bioEncryptedRandomKey, data.bioRankomKeyIndex)
  return {
    topic: text(outer.topic),
    publishedOn: text(outer.publishedOn ?? ''),
    id: text(event.id),
    transactionId: text(event.transactionId ?? ''),
    type: { name: text(type.name ?? ''), namespace: text(type.namespace ?? '') },
    timestamp: text(event.timestamp ?? ''),
    ...(event.dataShareUri != null && { dataShareUri: text(event.dataShareUri) }),
    identifier: identifier(data),
    token: text(data.TOKEN ?? ''),
    expiresAt: data.expiry_timestamp == null ? null : time(data.expiry_timestamp),
    transactionLimit: data.transaction_limit == null ? null : whole(data.transaction_limit),
    ...(demographics && { demographics }),
    ...(biometrics && { biometrics }),
    ...(proof.signature !== undefined && { signature: text(proof.signature) }),
    credentialType: text(data.credentialType ?? ''),
    protectionKey: text(data.protectionKey ?? ''),
  }
}

function identifier(data: Record<string, unknown>): VaultIdentifier {
  return {
    idHash: text(data.id_hash),
    ...(data.MODULO != null && { modulo: whole(data.MODULO) }),
    ...(data.SALT != null && { salt: text(data.SALT) }),
    ...(data.OPRF_KEY != null && { oprfKey: whole(data.OPRF_KEY) }),
  }
}

/** Both members or none. */
function randomKey(encryptedRandomKey: unknown, index: unknown): RandomKey | undefined {
  if (encryptedRandomKey == null && index == null) return undefined
  return { encryptedRandomKey: text(encryptedRandomKey), index: parsePoolIndex(String(index)) }
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw malformed()
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw malformed()
}

function time(value: unknown): string {
  const at = text(value)
  if (Number.isNaN(Date.parse(at))) throw malformed()
  return at
}

/** A whole number, also as text: MOSIP writes both. */
function whole(value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw malformed()
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'credential event')
}
