import { KeyhavenError } from '@keyhaven/crypto'

/**
 * Why a file finds no room, as a program can tell it:
 *
 * - `quota`: the conversation's files have as many bytes as they may.
 * - `unfinished-uploads`: the user has begun as many as he may.
 */
export type FileRefusal = 'quota' | 'unfinished-uploads'

/** A refusal whose reason goes into the problem document. */
export class FileRefused extends KeyhavenError {
  readonly reason: FileRefusal

  constructor(reason: FileRefusal, message: string) {
    super(reason === 'quota' ? 'WIRE_TOO_LARGE' : 'RATE_LIMITED', message)
    this.reason = reason
  }

  /** What the problem document says beside the code. */
  get problemMembers(): Readonly<Record<string, string>> {
    return { reason: this.reason }
  }
}
