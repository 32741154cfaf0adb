import { AEAD_IDS, KEM_PUBLIC_KEY_BYTES, nearestName } from '@keyhaven/crypto'
import { ROOT_THUMBPRINTS_MAX } from '../manifest/delegation.ts'
import { hidden, isObject, optionError, shown } from './option-error.ts'
import { KEY_ID_MAX, PINNED_KEYS_MAX } from './pinned-key.ts'

/** SHA-256 in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/
const BASE64URL = /^[A-Za-z0-9_-]+$/
const BITS_PER_CHARACTER = 6
const BITS_PER_BYTE = 8
const WAYS: readonly string[] = ['rootThumbprints', 'pinnedKeys']
const TRUST_EXPECTED = 'trust must hold either rootThumbprints or pinnedKeys'

/**
 * One way to trust, never both: that would leave open which one counts. Other members are let be, so that
 * what the admin API says of an application's trust, or of a key, can be given as it is.
 *
 * @throws TypeError that names the member.
 */
export function checkTrust(trust: unknown): void {
  if (!isObject(trust)) throw new TypeError(`${TRUST_EXPECTED}; given: ${hidden(trust)}`)
  const ways = WAYS.filter((way) => trust[way] !== undefined)
  if (ways.length > 1) throw new TypeError(`${TRUST_EXPECTED}; given: both`)
  if (ways.length === 0) {
    const [name] = Object.keys(trust)
    const nearest = name === undefined ? undefined : nearestName(name, WAYS)
    const hint = nearest === undefined ? '' : `: did you mean ${nearest}?`
    throw new TypeError(`${TRUST_EXPECTED}; given: ${name === undefined ? 'neither' : shown(name)}${hint}`)
  }
  const { rootThumbprints, pinnedKeys } = trust
  if (pinnedKeys !== undefined) {
    checkedList('trust.pinnedKeys', pinnedKeys, PINNED_KEYS_MAX).forEach(checkPinnedKey)
  } else checkedList('trust.rootThumbprints', rootThumbprints, ROOT_THUMBPRINTS_MAX).forEach(checkThumbprint)
}

function checkedList(name: string, list: unknown, max: number): readonly unknown[] {
  if (Array.isArray(list) && list.length > 0 && list.length <= max) return list
  throw optionError(name, `a list of 1 to ${max}`, hidden(list))
}

function checkThumbprint(thumbprint: unknown, index: number): void {
  if (typeof thumbprint === 'string' && THUMBPRINT.test(thumbprint)) return
  const expected = '43 characters of base64url, as the server prints them when it starts'
  throw optionError(`trust.rootThumbprints[${index}]`, expected, hidden(thumbprint))
}

function checkPinnedKey(pinned: unknown, index: number): void {
  const name = `trust.pinnedKeys[${index}]`
  if (!isObject(pinned)) throw optionError(name, 'an object with keyId and publicKey or jwk', hidden(pinned))
  const { keyId, jwk, aead, publicKey, suite } = pinned
  if (!Number.isInteger(keyId) || Number(keyId) < 0 || Number(keyId) > KEY_ID_MAX) {
    throw optionError(`${name}.keyId`, `a whole number from 0 to ${KEY_ID_MAX}`, hidden(keyId))
  }
  if (jwk !== undefined) {
    if (!isObject(jwk)) throw optionError(`${name}.jwk`, 'the public key as a JWK', hidden(jwk))
    if (aead !== undefined) checkName(`${name}.aead`, aead, Object.keys(AEAD_IDS))
    return
  }
  if (suite !== undefined) {
    if (!isObject(suite)) throw optionError(`${name}.suite`, 'an object with kem and aead', hidden(suite))
    checkName(`${name}.suite.kem`, suite.kem, Object.keys(KEM_PUBLIC_KEY_BYTES))
    checkName(`${name}.suite.aead`, suite.aead, Object.keys(AEAD_IDS))
  }
  checkPublicKey(`${name}.publicKey`, publicKey, suite?.kem)
}

/** Form and length; whether it is a point of the curve shows when it is first used. */
function checkPublicKey(name: string, publicKey: unknown, kem: unknown): void {
  const lengths = Object.entries(KEM_PUBLIC_KEY_BYTES).filter(([known]) => kem === undefined || known === kem)
  const isText = typeof publicKey === 'string' && BASE64URL.test(publicKey)
  const bytes = isText ? Math.floor((publicKey.length * BITS_PER_CHARACTER) / BITS_PER_BYTE) : 0
  if (lengths.some(([, length]) => length === bytes)) return
  const allowed = lengths.map(([known, length]) => `${length} bytes (${known})`).join(', ')
  const expected = `the base64url of ${allowed}, as the dashboard and \`keyhaven keys show\` give it`
  throw optionError(name, expected, hidden(publicKey))
}

function checkName(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value === 'string' && known.includes(value)) return
  throw optionError(name, `one of ${known.join(', ')}`, shown(value))
}
