import { argon2idAsync } from '@noble/hashes/argon2.js'

/**
 * Argon2id, version 1.3 (RFC 9106), where Node's own is missing: some seconds, in which the page still
 * answers.
 */
export function argon2id(
  passphrase: Uint8Array,
  salt: Uint8Array,
  cost: { readonly memoryKiB: number; readonly passes: number; readonly lanes: number },
  length: number,
): Promise<Uint8Array> {
  const { memoryKiB: m, passes: t, lanes: p } = cost
  return argon2idAsync(passphrase, salt, { m, t, p, dkLen: length })
}
