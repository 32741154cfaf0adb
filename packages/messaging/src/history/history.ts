import type { KemPrivateKey, KemPublicKey } from '@keyhaven/crypto'
import type { VerifiedDevice } from '../directory-port.ts'

/** To whom a batch is sealed: the user's backup key, or a device of the user. */
export type HistoryRecipient =
  | { readonly backup: KemPublicKey }
  | { readonly device: Pick<VerifiedDevice, 'device' | 'encryption'> }

export interface HistoryBatch {
  /** `backup` or the device's id: what the server is told. */
  readonly recipient: string
  /** Compact JWS by this device. */
  readonly batch: string
  readonly messages: number
  /** Tells that the server has it: the next export to the same recipient starts behind it. */
  done(): Promise<void>
}

export interface History {
  /** Whether message keys are kept from now on. Switching off keeps what is there; see {@link erase}. */
  setArchive(on: boolean): void
  /** Erases the archive. */
  erase(): Promise<void>
  /** What the recipient does not have yet, oldest first, in batches. */
  batches(to: HistoryRecipient): AsyncIterable<HistoryBatch>
  /**
   * Takes a batch into the archive, after verifying its signer against the user's own chain.
   *
   * @param key - the backup key; left out for a batch that was sealed to this device.
   * @returns number of messages that were new.
   * @throws KeyhavenError `SIGNATURE_INVALID`, `DEVICE_REVOKED`, `OPEN_FAILED`
   */
  restore(batch: string, key?: KemPrivateKey): Promise<number>
}
