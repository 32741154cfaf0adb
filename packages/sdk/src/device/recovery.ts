import { kemPublicKeyToJwk, requiredPublicMembers } from '@keyhaven/crypto'
import { type RecoveryState, signerOf } from '@keyhaven/directory'
import {
  generateRecoveryKey,
  recoveryKeyFromWords,
  wrapWithPasskey,
  wrapWithPassphrase,
} from '@keyhaven/messaging'
import type { HistoryParts } from './history.ts'
import type { OpenDevice } from './open-device.ts'
import {
  argon2id,
  openRecoveryKey,
  type RecoverySecret,
  recoveryPath,
  type WrappedKind,
} from './recovery-secret.ts'

/** A key outside every device: it reads the backed-up history, and revokes a lost device at once. */
export interface Recovery {
  /** The key in force, as the own chain says. */
  current(): Promise<RecoveryState | undefined>
  /**
   * Makes a recovery key, and records it. From now on the history is backed up under it. If the user has other devices,
   * the key ends devices at once only when it is 24 hours old: until then its revocations take 24 hours.
   *
   * @param options.replacing - the key in force: then the new one counts at once, else after 24 hours, in which any
   *   device can object.
   * @returns 24 words. Show them once; they are kept nowhere.
   */
  createWords(options?: { readonly replacing?: RecoverySecret }): Promise<string>
  /** Lets a passphrase stand for the words. @throws KeyhavenError `INPUT_INVALID` if it is under 12 characters. */
  setPassphrase(passphrase: string, words: string): Promise<void>
  /**
   * Lets a passkey stand for the words.
   *
   * @param prf - 32 bytes of the WebAuthn extension `prf`, always for the same input; overwritten.
   */
  setPasskey(prf: Uint8Array, words: string): Promise<void>
  /**
   * Reads the backed-up history into this device: on a new device, or after an operator's reset.
   *
   * @returns how many messages this device can read now that it could not before.
   */
  restore(secret: RecoverySecret): Promise<number>
}

export function createRecovery(device: OpenDevice, history: HistoryParts): Recovery {
  const { app, keys, directory, messenger } = device
  const { application, backend } = app

  async function storeWrapped(kind: WrappedKind, wrapped: string): Promise<void> {
    await device.signed(() => device.api.call('PUT', recoveryPath(kind), { wrapped }))
  }

  return {
    current: async () => (await device.signed(() => directory.ownChain())).recovery,
    async createWords({ replacing } = {}) {
      const before = replacing && (await openRecoveryKey(device, replacing))
      const { words, signingKey, backupKey } = await generateRecoveryKey(backend)
      const recorded = {
        signingKey: requiredPublicMembers(signingKey.publicKey.jwk),
        backupKey: kemPublicKeyToJwk(backupKey.publicKey),
      }
      const signer = before && signerOf(backend, before.signingKey)
      await device.signed(() => directory.setRecovery(recorded, signer))
      messenger.directoryChanged(keys.username)
      return words
    },
    async setPassphrase(passphrase, words) {
      const key = await recoveryKeyFromWords(words, backend)
      const owner = { application, username: keys.username }
      await storeWrapped(
        'passphrase',
        await wrapWithPassphrase(key, passphrase, owner, argon2id, { backend }),
      )
    },
    async setPasskey(prf, words) {
      const key = await recoveryKeyFromWords(words, backend)
      const owner = { application, username: keys.username }
      await storeWrapped('passkey', await wrapWithPasskey(key, prf, owner, { backend }))
    },
    async restore(secret) {
      const { backupKey } = await openRecoveryKey(device, secret)
      return history.restoreBackup(backupKey)
    },
  }
}
