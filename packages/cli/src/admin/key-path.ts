/** Path of an application's keys in the admin API. */
export function keysPath(applicationId: string): string {
  return `/applications/${encodeURIComponent(applicationId)}/e2e-keys`
}

/** @param key - UUID, or the decimal key id of a live key. */
export function keyPath(applicationId: string, key: string): string {
  return `${keysPath(applicationId)}/${encodeURIComponent(key)}`
}
