import type { S3Config } from '../../packages/server/src/platform/config/config.ts'
import { createDiskStore } from '../../packages/server/src/platform/objects/disk-store.ts'
import type { ObjectStore } from '../../packages/server/src/platform/objects/object-store.ts'
import { createS3Store } from '../../packages/server/src/platform/objects/s3-store.ts'
import { NO_CEPH, startCeph, type TestCeph } from '../../test/kit/ceph.ts'

/** Where the key server keeps files: Ceph's S3, or a folder where there is no Ceph. */
export interface FilePlace {
  readonly name: string
  /** Why it is not Ceph. */
  readonly instead: string | undefined
  /** Of the key server. */
  readonly settings: Readonly<Record<string, string>>
  /** What is there, as whoever owns the store sees it. */
  readonly objects: ObjectStore
  readonly ceph: { readonly gateway: TestCeph; readonly config: S3Config } | undefined
}

/** @param folder - where files are kept if there is no Ceph. */
export async function startFilePlace(folder: string): Promise<FilePlace> {
  const missing =
    NO_CEPH ??
    (await startCeph().then(
      () => undefined,
      (error: Error) => {
        if (error.message.startsWith('Ceph is not installed')) return error.message
        throw error
      },
    ))
  if (missing !== undefined) {
    return {
      name: 'a folder on the disk',
      instead: missing,
      settings: { KEYHAVEN_OBJECTS_DIR: folder, KEYHAVEN_CONVERSATION_KEYS: 'objects' },
      objects: createDiskStore(folder),
      ceph: undefined,
    }
  }
  const gateway = await startCeph()
  const config = await gateway.createBucket()
  return {
    name: 'Ceph RGW (S3, SSE-KMS)',
    instead: undefined,
    settings: {
      KEYHAVEN_OBJECTS: 's3',
      KEYHAVEN_S3_ENDPOINT: gateway.endpoint,
      KEYHAVEN_S3_BUCKET: config.bucket,
      KEYHAVEN_S3_KMS_KEY: config.kmsKey!,
      KEYHAVEN_S3_PATH_STYLE: 'on',
      KEYHAVEN_S3_ACCESS_KEY_ID: config.credentials!.accessKeyId,
      KEYHAVEN_S3_SECRET_ACCESS_KEY: config.credentials!.secretAccessKey,
      KEYHAVEN_CONVERSATION_KEYS: 'objects',
    },
    objects: createS3Store(config),
    ceph: { gateway, config },
  }
}
