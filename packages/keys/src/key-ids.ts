import { KeyhavenError } from '@keyhaven/crypto'
import type { ManagedKey } from './managed-key.ts'
import { isLive } from './managed-key.ts'

/** The OHTTP header has one byte for it (RFC 9458 §4.1). */
export const KEY_ID_COUNT = 256
/** As many as a manifest may hold. */
export const MAX_LIVE_KEYS = 32

/**
 * The key id of the application's next key: one that no key ever had, and only when all 256 were used the one
 * whose owners were all revoked longest ago. So a client that kept an old key id meets `KEY_REVOKED`, not a
 * stranger's key.
 *
 * @param keys - all end-to-end keys that the application ever had.
 * @throws KeyhavenError `CONFLICT` if {@link MAX_LIVE_KEYS} keys are live.
 */
export function nextKeyId(keys: readonly ManagedKey[]): number {
  const live = new Set<number>()
  const lastRevokedAt = new Map<number, number>()
  let newest: ManagedKey | undefined
  for (const key of keys) {
    if (key.keyId === null) continue
    if (isLive(key)) live.add(key.keyId)
    lastRevokedAt.set(key.keyId, Math.max(lastRevokedAt.get(key.keyId) ?? 0, key.revokedAt ?? 0))
    newest ??= key
  }
  if (live.size >= MAX_LIVE_KEYS) {
    throw new KeyhavenError('CONFLICT', `${MAX_LIVE_KEYS} keys are live: revoke one before adding another`)
  }
  const start = newest?.keyId ?? 0
  for (let distance = 1; distance <= KEY_ID_COUNT; distance++) {
    const candidate = (start + distance) % KEY_ID_COUNT
    if (!lastRevokedAt.has(candidate)) return candidate
  }
  let oldest = -1
  for (const [keyId, revokedAt] of lastRevokedAt) {
    if (live.has(keyId)) continue
    if (oldest < 0 || revokedAt < (lastRevokedAt.get(oldest) ?? 0)) oldest = keyId
  }
  return oldest
}
