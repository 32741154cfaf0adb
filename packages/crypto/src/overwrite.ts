/**
 * Overwrites secrets after use. JavaScript gives no more than this: copies that the engine or a crypto
 * library made stay until their memory is used again. SECURITY.md lists them.
 */
export function overwrite(...secrets: Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}
