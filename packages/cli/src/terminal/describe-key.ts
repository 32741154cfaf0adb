import type { E2eKey } from '../admin/admin-api.ts'
import { fields } from './output.ts'

/** A key's public facts, one a line. */
export function describeKey(key: E2eKey): string {
  return fields([
    ['key', key.keyId],
    ['id', key.id],
    ['application', key.applicationId],
    ['state', key.state],
    ['suite', `${key.suiteName} (${key.suite.kem}, ${key.suite.aead})`],
    ['thumbprint', key.thumbprint],
    ['created', key.createdAt],
    ['activates', key.activatedAt === null ? key.activateAt : null],
    ['active since', key.activatedAt],
    ['retiring since', key.retiringAt],
    ['ends', key.endAt],
    ['revoked', key.revokedAt],
    ['last used', key.lastUsedAt],
  ])
}
