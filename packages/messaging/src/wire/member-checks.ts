import { KeyhavenError } from '@keyhaven/crypto'
import { isUsername } from '@keyhaven/directory'

const MAX_APPLICATION_CHARACTERS = 128
/** 16 and 32 bytes, base64url: the last character has no bits set behind the last byte, so one value has one text. */
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/
const HASH = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws KeyhavenError `WIRE_MALFORMED` unless an object with just these members; `?` marks one that may lack. */
export function requireMembers(value: unknown, names: readonly string[], what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what)
  let required = 0
  for (const name of names) if (!name.endsWith('?')) required++
  let found = 0
  for (const name of Object.keys(value)) {
    if (names.includes(name)) found++
    else if (!names.includes(`${name}?`)) throw malformed(what)
  }
  if (found !== required) throw malformed(what)
  return value as JsonObject
}

export function requireApplication(value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_APPLICATION_CHARACTERS) {
    throw malformed('application')
  }
  return value
}

/** By the directory's rule. @throws KeyhavenError `WIRE_MALFORMED` */
export function requireUsername(value: unknown): string {
  if (typeof value !== 'string' || !isUsername(value)) throw malformed('username')
  return value
}

export function requireDeviceId(value: unknown): string {
  if (typeof value !== 'string' || !ID.test(value)) throw malformed('device id')
  return value
}

export function requireSessionId(value: unknown): string {
  if (typeof value !== 'string' || !ID.test(value)) throw malformed('session id')
  return value
}

export function requireHash(value: unknown, what: string): string {
  if (typeof value !== 'string' || !HASH.test(value)) throw malformed(what)
  return value
}

export function requireWhole(value: unknown, max: number, what: string): number {
  if (
    !Number.isSafeInteger(value) ||
    (value as number) < 0 ||
    (value as number) > max ||
    Object.is(value, -0)
  ) {
    throw malformed(what)
  }
  return value as number
}

export function malformed(what: string): KeyhavenError {
  return new KeyhavenError('WIRE_MALFORMED', `${what} is not well-formed`)
}
