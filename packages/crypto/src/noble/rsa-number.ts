import type { Jwk } from '../backend.ts'
import { fromBase64url } from '../base64url.ts'
import { KeyhavenError } from '../error.ts'
import { fromHex, toHex } from '../hex.ts'
import { randomBytes } from '../random-values.ts'
import { privateRsaJwk, publicRsaJwk, rsaModulusBytes } from '../signature-jwk.ts'

/** RSA numbers of a public key. */
export interface RsaPublicNumbers {
  readonly n: bigint
  readonly e: bigint
  readonly modulusBytes: number
}

/** With the private exponents of the Chinese remainder theorem (RFC 8017 §3.2). */
export interface RsaPrivateNumbers extends RsaPublicNumbers {
  readonly p: bigint
  readonly q: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qInverse: bigint
}

/** @throws KeyhavenError `WIRE_MALFORMED` */
export function rsaPublicNumbers(jwk: Jwk): RsaPublicNumbers {
  const members = publicRsaJwk(jwk)
  const numbers = { n: member(members.n), e: member(members.e), modulusBytes: rsaModulusBytes(members) }
  if (numbers.n % 2n === 0n || numbers.e < 3n || numbers.e % 2n === 0n || numbers.e >= numbers.n) {
    throw new KeyhavenError('WIRE_MALFORMED', 'RSA public key')
  }
  return numbers
}

/** @throws KeyhavenError `WIRE_MALFORMED` also if the primes do not make the modulus. */
export function rsaPrivateNumbers(jwk: Jwk): RsaPrivateNumbers {
  const members = privateRsaJwk(jwk)
  const numbers = {
    ...rsaPublicNumbers(members),
    p: member(members.p),
    q: member(members.q),
    dp: member(members.dp),
    dq: member(members.dq),
    qInverse: member(members.qi),
  }
  if (numbers.p * numbers.q !== numbers.n) throw new KeyhavenError('WIRE_MALFORMED', 'RSA private key')
  return numbers
}

/** RSAEP and RSAVP1 (RFC 8017 §5.1.1, §5.2.2). */
export function rsaPublicOperation(key: RsaPublicNumbers, value: bigint): bigint {
  return modularPower(value, key.e, key.n)
}

/**
 * RSADP and RSASP1 (RFC 8017 §5.1.2, §5.2.1). BigInt arithmetic does not run in constant time, so the input
 * is blinded with a fresh random factor; the result is checked, so that a fault reveals no prime.
 */
export function rsaPrivateOperation(key: RsaPrivateNumbers, value: bigint): bigint {
  let factor: bigint
  let inverse: bigint | undefined
  do {
    factor = toNumber(randomBytes(key.modulusBytes)) % key.n
    inverse = modularInverse(factor, key.n)
  } while (inverse === undefined)
  const blinded = (value * modularPower(factor, key.e, key.n)) % key.n
  const first = modularPower(blinded % key.p, key.dp, key.p)
  const second = modularPower(blinded % key.q, key.dq, key.q)
  const h = ((((first - second) * key.qInverse) % key.p) + key.p) % key.p
  const result = ((second + key.q * h) * inverse) % key.n
  if (modularPower(result, key.e, key.n) !== value)
    throw new KeyhavenError('WIRE_MALFORMED', 'RSA private key')
  return result
}

/** OS2IP (RFC 8017 §4.2). */
export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** I2OSP (RFC 8017 §4.1) of a number that fits. */
export function toFixedBytes(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * length, '0'))
}

function member(text: string | undefined): bigint {
  return toNumber(fromBase64url(text!))
}

function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** @returns undefined if there is none. */
function modularInverse(value: bigint, modulus: bigint): bigint | undefined {
  let [remainder, next] = [modulus, value]
  let [coefficient, nextCoefficient] = [0n, 1n]
  while (next > 0n) {
    const quotient = remainder / next
    ;[remainder, next] = [next, remainder - quotient * next]
    ;[coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient]
  }
  return remainder === 1n ? (coefficient + modulus) % modulus : undefined
}
