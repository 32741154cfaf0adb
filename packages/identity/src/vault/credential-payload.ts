import { fromUtf8, KeyhavenError, utf8 } from '@keyhaven/crypto'

/** What a share for a partner holds, before it is encrypted to him. */
export interface CredentialPayload {
  /** Credential id. */
  readonly id: string
  readonly type: readonly string[]
  readonly issuer: string
  /** ISO 8601, UTC. */
  readonly issuanceDate: string
  /** Partner id. */
  readonly issuedTo: string
  /** Attribute values by name; those in {@link protectedAttributes} are zero-knowledge encrypted. */
  readonly credentialSubject: Readonly<Record<string, unknown>>
  readonly protectedAttributes: readonly string[]
  /** Profile `keyhaven`: policy id, which is in the attributes' associated data. */
  readonly policy?: string
}

/** MOSIP's JSON; `policy` stands in it in profile `keyhaven` only. */
export function encodeCredentialPayload(payload: CredentialPayload): Uint8Array {
  const { id, type, issuer, issuanceDate, issuedTo, credentialSubject, protectedAttributes, policy } = payload
  return utf8(
    JSON.stringify({
      id,
      type,
      issuer,
      issuanceDate,
      issuedTo,
      consent: '',
      credentialSubject,
      protectedAttributes,
      ...(policy !== undefined && { policy }),
    }),
  )
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function decodeCredentialPayload(bytes: Uint8Array): CredentialPayload {
  const json = parse(bytes)
  const { credentialSubject: subject, protectedAttributes = [], policy } = json
  if (!isRecord(subject) || !isTexts(protectedAttributes) || !isTexts(json.type)) throw malformed()
  if (Number.isNaN(Date.parse(text(json.issuanceDate)))) throw malformed()
  for (const name of protectedAttributes) if (typeof subject[name] !== 'string') throw malformed()
  return {
    id: text(json.id),
    type: json.type,
    issuer: text(json.issuer),
    issuanceDate: text(json.issuanceDate),
    issuedTo: text(json.issuedTo),
    credentialSubject: subject,
    protectedAttributes,
    ...(policy !== undefined && { policy: text(policy) }),
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(fromUtf8(bytes))
    if (isRecord(json)) return json
  } catch {
    // malformed
  }
  throw malformed()
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw malformed()
}

function malformed(): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', 'credential')
}
