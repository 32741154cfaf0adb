import { KeyhavenError } from '@keyhaven/crypto'

/** No attempt helps any more. */
class UploadLost extends KeyhavenError {}

export function uploadLost(cause?: unknown): KeyhavenError {
  const message = 'the key server no longer has what it had of this upload: begin a new one'
  return new UploadLost('UPLOAD_CONFLICT', message, { cause })
}

export function isLost(error: unknown): boolean {
  return error instanceof UploadLost
}

export function otherSource(): KeyhavenError {
  return new KeyhavenError(
    'INPUT_INVALID',
    'the source is not the one that this upload began with: nothing of it was sent, begin a new upload',
  )
}

export function readOnce(): TypeError {
  return new TypeError('the source has failed and cannot be read again: begin a new upload, or give a Blob')
}
