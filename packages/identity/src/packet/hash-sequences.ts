import { upperHexDigest } from '../mosip/digest.ts'
import { packetInvalid } from './packet-invalid.ts'

/** Names of files without their extension, in the order in which their contents are hashed. */
export interface HashSequence {
  readonly label: string
  readonly value: readonly string[]
}

export const BIOMETRIC_SEQUENCE = 'biometricSequence'
export const DEMOGRAPHIC_SEQUENCE = 'demographicSequence'
export const OTHER_FILES = 'otherFiles'

/**
 * SHA-256 over the contents of the named files one after the other, as MOSIP writes it into
 * `packet_data_hash.txt` and `packet_operations_hash.txt`: 64 upper-case hexadecimal digits.
 *
 * @param files - by name without extension.
 * @throws KeyhavenError `PACKET_INVALID` if a sequence names a file that is not there, or one twice.
 */
export async function hashOfSequences(
  sequences: readonly HashSequence[],
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string> {
  const names = sequences.flatMap(({ value }) => value)
  if (new Set(names).size !== names.length) throw packetInvalid('hash sequence: a file twice')
  const contents = names.map((name) => {
    const bytes = files.get(name)
    if (bytes === undefined) throw packetInvalid('hash sequence: a file is missing')
    return bytes
  })
  const all = new Uint8Array(contents.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const bytes of contents) {
    all.set(bytes, at)
    at += bytes.length
  }
  return upperHexDigest(all)
}

/** @throws KeyhavenError `PACKET_INVALID` if it is no list of sequences with these labels, each at most once. */
export function readHashSequences(json: unknown, labels: readonly string[]): readonly HashSequence[] {
  if (json === undefined || json === null) return []
  if (!Array.isArray(json)) throw packetInvalid('hash sequence')
  const sequences = json.map((item: unknown): HashSequence => {
    const { label, value } = (item ?? {}) as Record<string, unknown>
    const isKnown = typeof label === 'string' && labels.includes(label)
    if (!isKnown || !Array.isArray(value) || value.some((name) => typeof name !== 'string')) {
      throw packetInvalid('hash sequence')
    }
    return { label, value }
  })
  if (new Set(sequences.map(({ label }) => label)).size !== sequences.length) {
    throw packetInvalid('hash sequence')
  }
  return sequences
}
