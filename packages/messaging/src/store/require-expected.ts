import type { StoreChange } from './messaging-store.ts'

/** @returns the expected version of each key. @throws TypeError if a key that changes has no expectation. */
export function requireExpected(change: StoreChange): ReadonlyMap<string, number | null> {
  const versions = new Map<string, number | null>()
  for (const { key, version } of change.expect) {
    if (versions.has(key)) throw new TypeError('a key is expected twice')
    versions.set(key, version)
  }
  const changed = new Set<string>()
  const requireChangeOf = (key: string): void => {
    if (!versions.has(key)) throw new TypeError('a key changes without an expectation')
    if (changed.has(key)) throw new TypeError('a key changes twice')
    changed.add(key)
  }
  for (const { key } of change.put ?? []) requireChangeOf(key)
  for (const key of change.delete ?? []) requireChangeOf(key)
  return versions
}
