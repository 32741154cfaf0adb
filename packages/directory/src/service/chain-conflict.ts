import { KeyhavenError } from '@keyhaven/crypto'

/** Somebody else was first: `CONFLICT` with where the chain is now, for the problem document. */
export class ChainConflict extends KeyhavenError {
  /** Of the newest entry; -1 where there is none. */
  readonly sequence: number
  /** Its hash, base64url; null where there is none. */
  readonly head: string | null
  /** Of the newest entry, one more with each reset: whoever starts a chain anew must name it. */
  readonly chain: number

  constructor(sequence: number, head: string | null, chain: number) {
    super('CONFLICT', 'the chain has moved on: fetch it, and sign on top of its newest entry')
    this.sequence = sequence
    this.head = head
    this.chain = chain
  }
}
