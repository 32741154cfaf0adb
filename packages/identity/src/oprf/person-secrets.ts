import type { CryptoBackend } from '@keyhaven/crypto'
import { overwrite, utf8, Writer } from '@keyhaven/crypto'

const INPUT_LABEL = 'keyhaven identity id v1'
const EXTRACT_SALT = 'keyhaven identity oprf v1'
const TAG_LABEL = 'look-up tag'
const KEY_LABEL = 'data key'
const BYTES = 32

/** What a person's id becomes by the oblivious PRF: two values that do not give each other away. */
export interface PersonSecrets {
  /** Finds the person's record, 32 bytes. In the database. */
  readonly tag: Uint8Array
  /** A part of the key of every attribute, 32 bytes. Nowhere: derived, used, overwritten. */
  readonly personKey: Uint8Array
}

/** The PRF's input: label, application and id, each with its length. */
export function oprfInput(application: string, id: string): Uint8Array {
  return new Writer().bytes8(utf8(INPUT_LABEL)).bytes8(utf8(application)).bytes8(utf8(id)).done()
}

/**
 * Look-up tag and data key, both by HKDF-SHA-256 from the PRF's output (64 bytes), under different labels. The
 * output is overwritten.
 */
export async function personSecrets(
  backend: Pick<CryptoBackend, 'hkdfExtract' | 'hkdfExpand'>,
  output: Uint8Array,
): Promise<PersonSecrets> {
  const prk = await backend.hkdfExtract(utf8(EXTRACT_SALT), output)
  const [tag, personKey] = await Promise.all(
    [TAG_LABEL, KEY_LABEL].map((label) => backend.hkdfExpand(prk, utf8(label), BYTES)),
  )
  overwrite(output, prk)
  return { tag: tag!, personKey: personKey! }
}
