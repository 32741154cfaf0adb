import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { ObjectsConfig } from './config.ts'
import { httpUrl, integer, ON_OFF } from './setting-values.ts'

/** Harmless where they mean nothing: they have a default. */
const WITH_DEFAULT = ['KEYHAVEN_S3_REGION', 'KEYHAVEN_S3_PATH_STYLE']
const OBJECTS_FOLDER = 'objects'
const MAX_QUOTA_GIB = 1_000_000
const DEFAULT_QUOTA_GIB = 100
/** As AWS names buckets; other stores take the same. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/** Where files, and perhaps wrapped conversation keys, lie. */
export const OBJECT_SETTINGS = {
  KEYHAVEN_OBJECTS: z.enum(['disk', 's3'], 'must be disk or s3').default('disk'),
  KEYHAVEN_OBJECTS_DIR: z.string().min(1).optional(),
  KEYHAVEN_S3_ENDPOINT: httpUrl.optional(),
  KEYHAVEN_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must be a name such as eu-central-1')
    .default('us-east-1'),
  KEYHAVEN_S3_BUCKET: z.string().regex(BUCKET, 'must be the name of a bucket').optional(),
  KEYHAVEN_S3_KMS_KEY: z.string().min(1).optional(),
  KEYHAVEN_S3_PATH_STYLE: ON_OFF.default(false),
  KEYHAVEN_S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  KEYHAVEN_S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  KEYHAVEN_CONVERSATION_KEYS: z
    .enum(['database', 'objects'], 'must be database or objects')
    .default('database'),
  KEYHAVEN_FILES_QUOTA: integer(1, MAX_QUOTA_GIB, 'GiB').default(DEFAULT_QUOTA_GIB),
}

type ObjectSettings = z.infer<z.ZodObject<typeof OBJECT_SETTINGS>>

/** What is wrong with the object settings that were given, taken together. */
export function objectProblems(given: Readonly<Record<string, string>>): string[] {
  const s3 = given.KEYHAVEN_OBJECTS === 's3'
  const problems = Object.keys(given)
    .filter((name) => name.startsWith('KEYHAVEN_S3_') && !WITH_DEFAULT.includes(name) && !s3)
    .map((name) => `${name} needs KEYHAVEN_OBJECTS=s3`)
  if (s3 && !('KEYHAVEN_S3_BUCKET' in given)) problems.push('KEYHAVEN_OBJECTS=s3 needs KEYHAVEN_S3_BUCKET')
  if (s3 && 'KEYHAVEN_OBJECTS_DIR' in given) problems.push('KEYHAVEN_OBJECTS_DIR needs KEYHAVEN_OBJECTS=disk')
  return problems
}

export function objectsConfig(settings: ObjectSettings, dataDir: string): ObjectsConfig {
  const bucket = settings.KEYHAVEN_S3_BUCKET
  if (settings.KEYHAVEN_OBJECTS === 'disk' || bucket === undefined) {
    return { kind: 'disk', dir: resolve(settings.KEYHAVEN_OBJECTS_DIR ?? join(dataDir, OBJECTS_FOLDER)) }
  }
  const {
    KEYHAVEN_S3_ENDPOINT: endpoint,
    KEYHAVEN_S3_KMS_KEY: kmsKey,
    KEYHAVEN_S3_ACCESS_KEY_ID: accessKeyId,
    KEYHAVEN_S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = settings
  return {
    kind: 's3',
    bucket,
    region: settings.KEYHAVEN_S3_REGION,
    pathStyle: settings.KEYHAVEN_S3_PATH_STYLE,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(kmsKey === undefined ? {} : { kmsKey }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  }
}
