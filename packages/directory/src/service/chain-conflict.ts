import { KeyhavenError } from '@keyhaven/crypto'

/** Somebody else was first: `CONFLICT` with where the chain is now, for the problem document. */
export class ChainConflict extends KeyhavenError {
  /** Of the newest entry; -1 where there is none. */
  readonly sequence: number
  /** Its hash, base64url; null where there is none. */
  readonly head: string | null

  constructor(sequence: number, head: string | null) {
    super('CONFLICT', 'the chain has moved on: fetch it, and sign on top of its newest entry')
    this.sequence = sequence
    this.head = head
  }
}
