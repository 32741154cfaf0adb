import { KeyhavenError } from '@keyhaven/crypto'

/** A failure of the envelope itself, not of what was opened from it: answered in clear. */
export class OuterFailure extends KeyhavenError {}

/** Whether the answer must be in clear, since nothing, or not all, of the request could be opened. */
export function isOuterFailure(error: unknown): boolean {
  return error instanceof OuterFailure || (error instanceof KeyhavenError && error.code === 'OPEN_FAILED')
}
