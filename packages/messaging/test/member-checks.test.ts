import { fromBase64url, KeyhavenError, toBase64url } from '@keyhaven/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requireDeviceId, requireHash, requireSessionId } from '../src/wire/member-checks.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const CHECKS = [
  { name: 'device id', bytes: 16, check: requireDeviceId },
  { name: 'session id', bytes: 16, check: requireSessionId },
  { name: 'hash', bytes: 32, check: (value: unknown) => requireHash(value, 'hash') },
] as const

/** What the checks must agree with: it decodes strictly, to so many bytes. */
function isText(value: unknown, bytes: number): boolean {
  try {
    return typeof value === 'string' && fromBase64url(value).length === bytes
  } catch {
    return false
  }
}

function passes(check: (value: unknown) => string, value: unknown): boolean {
  try {
    return check(value) === value
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'WIRE_MALFORMED') return false
    throw error
  }
}

for (const { name, bytes, check } of CHECKS) {
  test(`a ${name} is the one base64url text of ${bytes} bytes`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: bytes, maxLength: bytes }), (value) => {
        const text = toBase64url(value)
        expect(check(text)).toBe(text)
        for (const last of ALPHABET) {
          const other = text.slice(0, -1) + last
          expect(passes(check, other), last).toBe(isText(other, bytes))
        }
      }),
      { numRuns: 20 },
    )
    const text = toBase64url(new Uint8Array(bytes))
    const others = [`${text}\n`, `${text}=`, `${text}A`, text.slice(1), ` ${text.slice(1)}`, '', 7, null]
    for (const other of others) expect(passes(check, other), String(other)).toBe(false)
    for (const sign of '+/=é ') expect(passes(check, sign + text.slice(1)), sign).toBe(false)
  })
}
