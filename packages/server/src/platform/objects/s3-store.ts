import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { KeyhavenError } from '@keyhaven/crypto'
import type { S3Config } from '../config/config.ts'
import type { ByteRange, ObjectStore } from './object-store.ts'
import { checkObjectName, MAX_WHOLE_BYTES } from './object-store.ts'
import { isNotFound, isSettingsError, toS3Error } from './s3-error.ts'
import { streamOf } from './stream-of.ts'
import { withErrors } from './with-errors.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** Without a byte in either direction. */
const SILENCE_TIMEOUT_MS = 30_000
const ATTEMPTS = 3

/**
 * Objects in a bucket of S3, or of a store that speaks its language. With a KMS key each object is encrypted
 * there under that key (SSE-KMS), which is named when an object is begun.
 */
export function createS3Store(config: S3Config): ObjectStore {
  const { bucket: Bucket, kmsKey } = config
  const client = new S3Client({
    region: config.region,
    forcePathStyle: config.pathStyle,
    maxAttempts: ATTEMPTS,
    // Stores other than AWS refuse the trailing checksums that are the default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    ...(config.credentials === undefined ? {} : { credentials: config.credentials }),
  })
  const encryption =
    kmsKey === undefined ? {} : ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey } as const)
  const key = (name: string) => ({ Bucket, Key: checkObjectName(name) })

  const store: ObjectStore = {
    kind: 's3',

    async put(name, bytes) {
      await client.send(new PutObjectCommand({ ...key(name), Body: bytes, ...encryption }))
    },

    async get(name) {
      const found = await orNothing(client.send(new GetObjectCommand(key(name))))
      if (found?.Body === undefined) return undefined
      if ((found.ContentLength ?? 0) > MAX_WHOLE_BYTES) {
        ;(found.Body as Readable).destroy()
        throw new KeyhavenError('WIRE_TOO_LARGE', 'an object is too long')
      }
      return found.Body.transformToByteArray()
    },

    async beginUpload(name) {
      const begun = await client.send(new CreateMultipartUploadCommand({ ...key(name), ...encryption }))
      return begun.UploadId!
    },

    async writePart({ name, upload }, part, bytes) {
      const where = { ...key(name), UploadId: upload, PartNumber: part }
      const { ETag } = await client.send(new UploadPartCommand({ ...where, Body: bytes }))
      return ETag!.replaceAll('"', '')
    },

    async complete({ name, upload }, parts) {
      const Parts = parts.map(({ part, tag }) => ({ PartNumber: part, ETag: `"${tag}"` }))
      await client.send(
        new CompleteMultipartUploadCommand({ ...key(name), UploadId: upload, MultipartUpload: { Parts } }),
      )
    },

    async abort({ name, upload }) {
      await client
        .send(new AbortMultipartUploadCommand({ ...key(name), UploadId: upload }))
        .catch((error: unknown) => {
          if ((error as Error).name !== 'NoSuchUpload') throw error
        })
    },

    async read(name, range) {
      const request = { ...key(name), ...(range === undefined ? {} : { Range: rangeHeader(range) }) }
      const found = await orNothing(client.send(new GetObjectCommand(request)))
      return found?.Body === undefined ? undefined : streamOf(piecesOf(found.Body as Readable))
    },

    async head(name) {
      const found = await orNothing(client.send(new HeadObjectCommand(key(name))))
      return found && { name, bytes: found.ContentLength ?? 0, at: found.LastModified?.getTime() ?? 0 }
    },

    async delete(name) {
      await client.send(new DeleteObjectCommand(key(name)))
    },

    async *list(prefix) {
      let ContinuationToken: string | undefined
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            ...(ContinuationToken && { ContinuationToken }),
          }),
        )
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          yield { name: Key!, bytes: Size ?? 0, at: LastModified?.getTime() ?? 0 }
        }
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
    },

    async *uploads(prefix) {
      let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
      while (next !== undefined) {
        const page: Awaited<ReturnType<typeof listUploads>> = await listUploads(client, Bucket, prefix, next)
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          yield { name: Key!, upload: UploadId!, at: Initiated?.getTime() ?? 0 }
        }
        next = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker!, UploadIdMarker: page.NextUploadIdMarker! }
          : undefined
      }
    },

    // S3 shows only whole objects and uploads.
    sweep: async () => 0,

    async check() {
      const probe = `probe/${randomUUID()}`
      await trySettings(() => client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 })))
      // The bucket answered, so what is refused now is the writing, or the KMS key.
      const what = kmsKey === undefined ? 'cannot write' : 'cannot write with this KMS key'
      await trySettings(() => store.put(probe, new Uint8Array(1)), `the access key ${what}`)
      await trySettings(() => store.get(probe), 'the access key cannot read what it wrote')
      await trySettings(() => store.delete(probe), 'the access key cannot delete')
    },

    close: () => client.destroy(),
  }
  return withErrors(store, toS3Error)
}

function listUploads(client: S3Client, Bucket: string, prefix: string, from: object) {
  return client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...from }))
}

/** RFC 9110 §14.1.2. */
function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end ?? ''}`
}

/** @param reason - in place of what the answer to a refusal suggests. */
async function trySettings(work: () => Promise<unknown>, reason?: string): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isSettingsError(error)) throw error
    const { message } = toS3Error(error) as Error
    const why = reason === undefined ? message : `${reason} (${(error as Error).name})`
    throw new KeyhavenError('CONFIG_INVALID', `KEYHAVEN_S3_…: ${why}`, { cause: error })
  }
}

async function orNothing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Errors on the way are in our terms; leaving early closes the connection. */
async function* piecesOf(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body as AsyncIterable<Uint8Array>
  } catch (error) {
    throw toS3Error(error)
  } finally {
    body.destroy()
  }
}
