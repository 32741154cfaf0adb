import type { PartnerReads, PartnerTransaction, Records } from '../partners/ports.ts'
import type { Share } from './share-records.ts'

/** One transaction over partners, policies and shares. */
export interface ShareTransaction<Tx = unknown> {
  readonly partners: PartnerTransaction<Tx>
  insert(share: Share): Promise<void>
  /**
   * Counts one read, in ONE statement that also asks: is the share live and not expired, are reads left, are
   * partner, certificate, policy version and subscription good at this moment?
   *
   * @param counts - false inside a started read: nothing is counted, all else is asked.
   * @returns false if anything is not so: nothing was changed.
   */
  take(share: Share, counts: boolean): Promise<boolean>
  /** When this caller began the read that it is in; undefined if there is none. */
  readBegan(shareId: string, actor: string): Promise<number | undefined>
  noteRead(shareId: string, actor: string): Promise<void>
  /** @returns false if it was used before. */
  useNonce(partnerId: string, nonce: string, until: number): Promise<boolean>
  /** @returns undefined if there is none, or it has ended already. */
  end(id: string): Promise<Share | undefined>
}

/** Shares of one application. */
export interface ShareStore<Tx = unknown> {
  /** What is committed now. */
  readonly partnerReads: PartnerReads
  readonly shares: Records<Share>
  find(address: {
    readonly policyId: string
    readonly subscriberId: string
    readonly shareKey: string
  }): Promise<Share | undefined>
  /** Whether a read would be counted at this moment: what {@link ShareTransaction.take} asks. */
  isReadable(share: Share, now: number): Promise<boolean>
  transaction<T>(work: (transaction: ShareTransaction<Tx>) => Promise<T>): Promise<T>
  /** Live shares that have expired or are used up since before then, and ended ones: their objects may go. */
  over(before: number, limit: number): Promise<Share[]>
  /** The object is gone. */
  forgetObject(share: Share): Promise<void>
  /** Forgets started reads and nonces that ended before then. */
  prune(before: number): Promise<void>
}

/** Where the bytes lie. */
export interface ShareObjects {
  put(name: string, bytes: Uint8Array): Promise<void>
  delete(name: string): Promise<void>
  list(prefix: string): AsyncIterable<{ readonly name: string; readonly at: number }>
}
