import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

/** On a thread of the pool: a key of 3,072 bits takes a quarter of a second. */
export function generateRsaKeyPair(
  modulusLength: number,
): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return generate('rsa', { modulusLength })
}
