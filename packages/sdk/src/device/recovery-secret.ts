import { KeyhavenError } from '@keyhaven/crypto'
import {
  type Argon2id,
  type RecoveryKey,
  recoveryKeyFromWords,
  unwrapWithPasskey,
  unwrapWithPassphrase,
} from '@keyhaven/messaging'
import type { OpenDevice } from './open-device.ts'

/** One of the ways to the recovery key. */
export type RecoverySecret =
  /** 24 words, as they were shown once. */
  | { readonly words: string }
  /** A passphrase that was set with `setPassphrase`. */
  | { readonly passphrase: string }
  /** What a passkey's PRF gives, 32 bytes, for the input that was used with `setPasskey`. Overwritten. */
  | { readonly passkey: Uint8Array }

/** Loaded when a passphrase is used. */
export const argon2id: Argon2id = async (...given) =>
  (await import('@keyhaven/crypto/argon2id')).argon2id(...given)

export type WrappedKind = 'passphrase' | 'passkey'

export function recoveryPath(kind: WrappedKind): string {
  return `/v1/history/recovery/${kind}`
}

/** @throws KeyhavenError `INPUT_INVALID` on wrong words, passphrase or passkey; `NOT_FOUND` if none was set. */
export async function openRecoveryKey(device: OpenDevice, secret: RecoverySecret): Promise<RecoveryKey> {
  const { backend, application } = device.app
  if ('words' in secret) return recoveryKeyFromWords(secret.words, backend)
  const owner = { application, username: device.keys.username }
  if ('passphrase' in secret) {
    const wrapped = await fetchWrapped(device, 'passphrase')
    return unwrapWithPassphrase(wrapped, secret.passphrase, owner, argon2id, { backend })
  }
  return unwrapWithPasskey(await fetchWrapped(device, 'passkey'), secret.passkey, owner, { backend })
}

async function fetchWrapped(device: OpenDevice, kind: WrappedKind): Promise<string> {
  const { wrapped } = await device.signed(() => device.api.json('GET', recoveryPath(kind)))
  if (typeof wrapped === 'string') return wrapped
  throw new KeyhavenError('WIRE_MALFORMED', 'the server gave no wrapped recovery key')
}
