import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { ZkService } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { admitServices, type MosipRouteParts, mosipRoutes } from '../mosip-routes.ts'

/** A face image and ten fingerprints, base64 twice. */
const MAX_BODY_BYTES = 16 * 1_024 * 1_024
const MAX_ATTRIBUTES = 256
const MAX_ID_CHARACTERS = 128
const MAX_RANDOM_KEY_CHARACTERS = 16_384
const PREFIX = '/v1/keymanager'

/** Whatever does not open has one code and one text: KER-CRY-003, as `decrypt` has it. */
const CODES = {
  codes: {
    INPUT_INVALID: 'KER-ZKC-001',
    OPEN_FAILED: 'KER-CRY-003',
    WIRE_MALFORMED: 'KER-CRY-003',
    NOT_FOUND: 'KER-ZKC-002',
    CONFLICT: 'KER-ZKC-004',
    ACCESS_DENIED: 'KER-ATH-403',
    WIRE_TOO_LARGE: 'KER-CRY-004',
  },
  otherwise: 'KER-KMS-500',
} as const

const attributes = z.object({
  id: z.string().min(1).max(MAX_ID_CHARACTERS),
  zkDataAttributes: z
    .array(z.object({ identifier: z.string().min(1), value: z.string().min(1) }))
    .min(1)
    .max(MAX_ATTRIBUTES),
})
/** Stands in the path or in the body, by MOSIP's version. */
const randomKey = z.object({ encryptedKey: z.string().min(1).max(MAX_RANDOM_KEY_CHARACTERS) })

export interface VaultRouteParts extends MosipRouteParts {
  /** Of this process's role; absent in profile `keyhaven`, which has no such calls. */
  readonly zk: ZkService | undefined
}

/** MOSIP's zero-knowledge calls of the key manager; for services, as they see ids in plain text. */
export function addVaultRoutes(app: OpenAPIHono<AppEnv>, parts: VaultRouteParts): void {
  const { zk } = parts
  if (zk === undefined) return
  const route = mosipRoutes(app, parts, { codes: CODES, admits: admitServices, maxBytes: MAX_BODY_BYTES })
  route('post', `${PREFIX}/zkEncrypt`, async ({ request }) => zk.zkEncrypt(request(attributes)))
  route('post', `${PREFIX}/zkDecrypt`, async ({ request }) => zk.zkDecrypt(request(attributes)))
  route('post', `${PREFIX}/zkReEncryptRandomKey`, async ({ request }) =>
    zk.zkReEncryptRandomKey(request(randomKey).encryptedKey),
  )
}
