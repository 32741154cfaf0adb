import { KeyhavenError } from '@keyhaven/crypto'
import { StoreFullError } from './store-full-error.ts'

/** What an S3 error names itself, and its HTTP status if it has one. */
interface S3Error {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'CredentialsProviderError',
])
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|ERR_SSL|CERT_)/
const STATUS_FORBIDDEN = 403
const STATUS_SERVER_ERROR = 500
const STATUS_INSUFFICIENT_STORAGE = 507

export function isNotFound(error: unknown): boolean {
  const { name, $metadata } = (error ?? {}) as S3Error
  return (
    name === 'NotFound' ||
    name === 'NoSuchKey' ||
    (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404)
  )
}

/** Whether S3 answered that our settings are wrong, so that trying again does not help. */
export function isSettingsError(error: unknown): boolean {
  const { name, $metadata } = (error ?? {}) as S3Error
  const status = $metadata?.httpStatusCode ?? 0
  return CREDENTIALS.has(String(name)) || (status >= 400 && status < STATUS_SERVER_ERROR && status !== 429)
}

/** What S3 or the way to it threw, in our terms; a fault of ours stays as it is. */
export function toS3Error(error: unknown): unknown {
  if (error instanceof KeyhavenError || typeof error !== 'object' || error === null) return error
  const { name, code, $metadata } = error as S3Error
  const word = String(name)
  if (word === 'NoSuchUpload') return new KeyhavenError('NOT_FOUND', 'the upload is over', { cause: error })
  if (word === 'InvalidPart' || word === 'InvalidPartOrder') {
    return new KeyhavenError('UPLOAD_CONFLICT', 'a part of the upload is not there', { cause: error })
  }
  const status = $metadata?.httpStatusCode
  if (word === 'QuotaExceeded' || status === STATUS_INSUFFICIENT_STORAGE) {
    return new StoreFullError('the object store is full, or its quota', error)
  }
  const reason = reasonOf(word, status)
  if (reason !== undefined) return new KeyhavenError('STORE_UNAVAILABLE', reason, { cause: error })
  if ((typeof code === 'string' && NETWORK.test(code)) || word === 'TimeoutError' || word === 'AbortError') {
    return new KeyhavenError('STORE_UNAVAILABLE', 'the object store cannot be reached', { cause: error })
  }
  return error
}

function reasonOf(name: string, status: number | undefined): string | undefined {
  // Ceph also says InvalidAccessKeyId of a KMS key that it does not know.
  if (CREDENTIALS.has(name))
    return `the object store refuses the access key, its secret or the KMS key (${name})`
  if (name === 'NoSuchBucket') return 'the bucket is not there'
  if (name.startsWith('KMS')) return `the object store cannot use the KMS key (${name})`
  if (status === STATUS_FORBIDDEN) return `the object store denies it to this access key (${name})`
  if (status === undefined) return undefined
  return `the object store answers ${status} (${name})`
}
