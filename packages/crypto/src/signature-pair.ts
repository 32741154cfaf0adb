import type { Awaitable, Signatures, SigningKey } from './backend.ts'
import { KeyhavenError } from './error.ts'
import { utf8 } from './utf8.ts'

const PROBE = utf8('keyhaven pairwise consistency')

/**
 * Signs and verifies once. An Ed25519 signature made with another key's public part gives the private key
 * away, and not every runtime compares the two parts of a JWK.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` if public and private part do not belong together.
 */
export function requireMatchingPair<K extends SigningKey>(
  signatures: Pick<Signatures, 'sign' | 'verify'>,
  key: K,
): Awaitable<K> {
  const decide = (matches: boolean): K => {
    if (!matches) throw new KeyhavenError('WIRE_MALFORMED', 'JWK public and private parts differ')
    return key
  }
  const verify = (signature: Uint8Array) => signatures.verify(key.publicKey, signature, PROBE)
  const signature = signatures.sign(key, PROBE)
  if (signature instanceof Promise) return signature.then(verify).then(decide)
  const matches = verify(signature)
  return matches instanceof Promise ? matches.then(decide) : decide(matches)
}
