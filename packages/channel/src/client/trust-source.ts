import type { KeyhavenError } from '@keyhaven/crypto'
import type { RecipientKey } from '../wire/request-header.ts'
import type { ChannelStatus } from './channel-options.ts'

/** A refusal that came without a seal, so anyone on the way can have written it. */
export interface UnsealedRefusal {
  readonly status: number
  /** `type` and `code` of its problem details, if it has any. */
  readonly type: string | undefined
  readonly code: string | undefined
}

/** Which key to seal to, and what a refusal changes about it. Two kinds: manifest and pinned keys. */
export interface TrustSource {
  readonly kind: 'manifest' | 'pinned'
  /** The key for a new call. */
  current(): Promise<RecipientKey>
  /**
   * After an unsealed 4xx: the key for another attempt of the same call.
   *
   * @param refused - the key of the refused attempt.
   * @param retries - how often this call has been sent again already for such a refusal.
   * @returns undefined if there is nothing left to try.
   */
  next(refused: RecipientKey, retries: number): Promise<RecipientKey | undefined>
  /** `next` gave this key, but the call could not be sent again: another call may begin with it. */
  postpone(key: RecipientKey): void
  /** A sealed answer came under this key: the server has it. */
  accepted(key: RecipientKey): Promise<void>
  /** What the caller is told when nothing was left to try. */
  refusal(refusal: UnsealedRefusal): KeyhavenError
  refresh(): Promise<void>
  status(): Pick<ChannelStatus, 'keyId' | 'manifest'>
  close(): void
}
