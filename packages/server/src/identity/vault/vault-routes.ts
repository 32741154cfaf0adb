import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { IDENTITY_CACHE } from '@keyhaven/identity'
import type { KeyPolicies, ZkService } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import type { IdentityCaller } from '../identity-callers.ts'
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
  /** Who may decrypt with whose keys: the pool's master key is one of KERNEL. */
  readonly policies: Pick<KeyPolicies, 'allows'>
}

/** MOSIP's zero-knowledge calls of the key manager; for services, as they see ids in plain text. */
export function addVaultRoutes(app: OpenAPIHono<AppEnv>, parts: VaultRouteParts): void {
  const { zk, policies } = parts
  if (zk === undefined) return
  const route = mosipRoutes(app, parts, { codes: CODES, admits: admitServices, maxBytes: MAX_BODY_BYTES })
  const requireAllowed = async ({ actor }: IdentityCaller): Promise<void> => {
    const { appId } = IDENTITY_CACHE.main
    if (await policies.allows(appId, actor)) return
    throw new KeyhavenError('ACCESS_DENIED', `the key policy of ${appId} does not name this caller`)
  }
  route('post', `${PREFIX}/zkEncrypt`, async ({ request }) => zk.zkEncrypt(request(attributes)))
  route('post', `${PREFIX}/zkDecrypt`, async ({ caller, request }) => {
    await requireAllowed(caller)
    return zk.zkDecrypt(request(attributes))
  })
  route('post', `${PREFIX}/zkReEncryptRandomKey`, async ({ caller, request }) => {
    await requireAllowed(caller)
    return zk.zkReEncryptRandomKey(request(randomKey).encryptedKey)
  })
}
