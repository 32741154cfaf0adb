import { type CryptoBackend, type Jwk, jwkThumbprint, KeyhavenError } from '@keyhaven/crypto'
import { checkSignature, type OpenedJws, openChainJws, signChainJws } from './chain-jws.ts'
import type { ChainSigner } from './chain-signer.ts'
import { requireValid } from './device-at.ts'
import {
  MAX_CLOCK_DIFFERENCE_SECONDS,
  MAX_ENCRYPTION_KEY_LIFETIME_SECONDS,
  MAX_STATEMENT_BYTES,
} from './limits.ts'
import { isApplicationId, isDeviceId, isHash, isUsername } from './names.ts'
import { profileOf } from './profile.ts'
import { checkEncryptionJwk } from './profile-keys.ts'
import type { DeviceState, UserState } from './user-state.ts'

export const ENCRYPTION_KEY_TYP = 'keyhaven-encryption-key+jws'

/**
 * A later encryption key of a device, in the HPKE profiles. Compact JWS with header
 * `{alg, typ: 'keyhaven-encryption-key+jws', kid}` by the device's newest signing key; not in the log.
 */
export interface EncryptionKeyStatement {
  readonly v: 1
  readonly application: string
  readonly username: string
  readonly device: string
  /** Hash of the device entry whose signing key signs. */
  readonly entry: string
  readonly key: Jwk
  readonly notBefore: number
  /** At most 7 days after `notBefore`, and not after the record's own. */
  readonly expires: number
}

/** A statement that has been verified, with the key's thumbprint. */
export interface VerifiedEncryptionKey extends EncryptionKeyStatement {
  readonly thumbprint: string
}

const FORM = { typ: ENCRYPTION_KEY_TYP, kid: true, maxBytes: MAX_STATEMENT_BYTES }

export async function signEncryptionKeyStatement(
  backend: CryptoBackend,
  signer: ChainSigner,
  fields: Omit<EncryptionKeyStatement, 'v'>,
): Promise<string> {
  const { application, username, device, entry, key, notBefore, expires } = fields
  const kid = await jwkThumbprint(backend, signer.jwk)
  const payload = { v: 1, application, username, device, entry, key, notBefore, expires }
  return await signChainJws(signer, FORM, kid, payload)
}

/**
 * Checks a statement against the user's state at `state.at`.
 *
 * @param device - the only device that it may be of; absent: any of the user's.
 * @throws KeyhavenError `RECORD_INVALID` if it is malformed, of another application, user or record, or
 * wrongly signed; `SUITE_REFUSED` if the device's profile has no such statements; `DEVICE_REVOKED`,
 * `KEY_EXPIRED`, `KEY_NOT_YET_VALID` of the device or the statement; `WIRE_TOO_LARGE`.
 */
export async function verifyEncryptionKeyStatement(
  backend: CryptoBackend,
  statement: string,
  state: UserState,
  device?: string,
): Promise<VerifiedEncryptionKey> {
  const opened = openChainJws(statement, FORM)
  const payload = readPayload(opened)
  if (device !== undefined && payload.device !== device)
    throw new KeyhavenError('RECORD_INVALID', 'the statement is of another device')
  const holder = state.devices.find((candidate) => candidate.device === payload.device)
  if (!holder || payload.application !== state.application || payload.username !== state.username)
    throw new KeyhavenError('RECORD_INVALID', 'the statement is of another application, user or device')
  requireValid(holder, state.at)
  const { record } = holder
  if (payload.entry !== record.entry || opened.kid !== record.signingThumbprint)
    throw new KeyhavenError('RECORD_INVALID', "the statement is not by the device's newest key")
  const profile = profileOf(record.profile)
  if (profile.encryption.kind !== 'hpke')
    throw new KeyhavenError('SUITE_REFUSED', 'the profile keeps the encryption key of its record')
  checkEncryptionJwk(profile, payload.key)
  checkTimes(payload, holder, state.at)
  await checkSignature(backend, { algorithm: profile.algorithm, jwk: record.signingKey }, opened)
  const thumbprint = await jwkThumbprint(backend, payload.key)
  if (state.usedKeys.includes(thumbprint))
    throw new KeyhavenError('RECORD_INVALID', 'the key is in the chain already')
  return { ...payload, thumbprint }
}

function readPayload({ payload: fields }: OpenedJws): EncryptionKeyStatement {
  const payload: EncryptionKeyStatement = {
    v: fields.literal('v', 1),
    application: fields.text('application', isApplicationId),
    username: fields.text('username', isUsername),
    device: fields.text('device', isDeviceId),
    entry: fields.text('entry', isHash),
    key: fields.jwk('key'),
    notBefore: fields.time('notBefore'),
    expires: fields.time('expires'),
  }
  fields.end()
  return payload
}

function checkTimes({ notBefore, expires }: EncryptionKeyStatement, device: DeviceState, now: number): void {
  const lifetime = expires - notBefore
  if (
    lifetime <= 0 ||
    lifetime > MAX_ENCRYPTION_KEY_LIFETIME_SECONDS ||
    notBefore < device.record.notBefore ||
    expires > device.record.expires
  )
    throw new KeyhavenError('RECORD_INVALID', 'an encryption key lives at most 7 days, within its record')
  if (now >= expires) throw new KeyhavenError('KEY_EXPIRED', 'the encryption key has expired')
  if (notBefore > now + MAX_CLOCK_DIFFERENCE_SECONDS)
    throw new KeyhavenError('KEY_NOT_YET_VALID', 'the encryption key is not valid yet')
}
