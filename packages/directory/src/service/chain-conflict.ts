import { KeyhavenError } from '@keyhaven/crypto'

/** Where a chain is. */
export interface ChainEnd {
  readonly sequence: number
  readonly head: string | null
  readonly chain: number
  readonly issued?: number
}

/** Somebody else was first: `CONFLICT` with where the chain is now, for the problem document. */
export class ChainConflict extends KeyhavenError {
  /** Of the newest entry; -1 where there is none. */
  readonly sequence: number
  /** Its hash, base64url; null where there is none. */
  readonly head: string | null
  /** Of the newest entry, one more with each reset: whoever starts a chain anew must name it. */
  readonly chain: number
  /** When the newest entry was issued, seconds: the next one may not be dated before. Undefined where it is not known. */
  readonly issued: number | undefined

  constructor({ sequence, head, chain, issued }: ChainEnd) {
    super('CONFLICT', 'the chain has moved on: fetch it, and sign on top of its newest entry')
    this.sequence = sequence
    this.head = head
    this.chain = chain
    this.issued = issued
  }
}
