import type { StateTransaction } from './state-transaction.ts'

/** Epoch and sequence of each application's manifest; they only rise, and the anchor remembers them. */
export interface ManifestPositions {
  /** `{epoch: 1, sequence: 0}` for an application that has published nothing yet. */
  get(applicationId: string, transaction?: StateTransaction): Promise<{ epoch: number; sequence: number }>
  /** Takes the next sequence of the present epoch, locking the row until the transaction ends. */
  next(applicationId: string, transaction: StateTransaction): Promise<{ epoch: number; sequence: number }>
  /** A new epoch overrides every sequence of the one before; needs a delegation signed for it. */
  raiseEpoch(
    applicationId: string,
    transaction: StateTransaction,
  ): Promise<{ epoch: number; sequence: number }>
}
