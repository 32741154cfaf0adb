import { KeyhavenError } from '@keyhaven/crypto'

/** What messages are encrypted with, by its JWE name (RFC 7518 §5.1). */
export type ConversationAlgorithm = 'A256GCM'
/** The only ones accepted, whatever a server or a member names. */
export const CONVERSATION_ALGORITHMS: readonly ConversationAlgorithm[] = ['A256GCM']
export const CONVERSATION_KEY_BYTES = 32

/** @throws KeyhavenError `SUITE_REFUSED` on any other. */
export function requireConversationAlgorithm(value: unknown): ConversationAlgorithm {
  const algorithm = CONVERSATION_ALGORITHMS.find((name) => name === value)
  if (!algorithm) throw new KeyhavenError('SUITE_REFUSED', 'the algorithm is not accepted here')
  return algorithm
}
