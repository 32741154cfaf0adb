import type { ObjectsConfig } from '../config/config.ts'
import { createDiskStore } from './disk-store.ts'
import type { ObjectStore } from './object-store.ts'

/** The store that is configured; S3's client is loaded only for S3. */
export async function openObjectStore(config: ObjectsConfig): Promise<ObjectStore> {
  if (config.kind === 'disk') return createDiskStore(config.dir)
  const { createS3Store } = await import('./s3-store.ts')
  return createS3Store(config)
}
