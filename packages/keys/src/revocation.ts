import { KeyhavenError } from '@keyhaven/crypto'
import type { ManagedKey } from './managed-key.ts'
import { isLive } from './managed-key.ts'

/**
 * Refuses to take an application's last usable key by accident.
 *
 * @param keys - all keys of the application, `key` among them.
 * @throws KeyhavenError `CONFLICT` with what to do instead.
 */
export function checkRevocation(key: ManagedKey, keys: readonly ManagedKey[]): void {
  const others = keys.filter((other) => other.id !== key.id && other.purpose === key.purpose && isLive(other))
  if (others.some((other) => other.state === 'active')) return
  if (key.state !== 'active' && others.length > 0) return
  const pending = others.find((other) => other.state === 'pending')
  const instead =
    pending?.activateAt == null
      ? 'add a key first'
      : `key ${pending.keyId} becomes active at ${new Date(pending.activateAt).toISOString()}: wait for ` +
        'it, or plan it earlier'
  throw new KeyhavenError(
    'CONFLICT',
    `this is the last active key, clients would have none: ${instead}, or force it`,
  )
}
