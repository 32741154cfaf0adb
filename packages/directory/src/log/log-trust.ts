import { type CryptoBackend, KeyhavenError, toBase64 } from '@keyhaven/crypto'
import { isOrigin } from './checkpoint.ts'
import { timeVerifier } from './log-signer.ts'
import { parseVerifierKey, publicKeyBytes, type VerifierKey } from './verifier-key.ts'

export const MAX_WITNESSES = 32
/** Of a verifier key that is none: a name, and the hash of key and name. */
const SHOWN_CHARACTERS = 80

/** What an app is configured with about its log. */
export interface LogTrustConfiguration {
  /** Verifier key of the log; its name is the origin. */
  readonly log: string
  /** `threshold` of these must have cosigned each checkpoint. */
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number } | undefined
}

/** {@link LogTrustConfiguration}, imported. */
export interface LogTrust {
  readonly log: VerifierKey
  /** Key of the log's own timestamps. */
  readonly time: VerifierKey
  readonly witnesses: { readonly keys: readonly VerifierKey[]; readonly threshold: number }
}

/**
 * Imports and checks the trust configuration, once.
 *
 * @throws KeyhavenError `CONFIG_INVALID` on a key that is none or of the wrong type, a key that stands there
 * twice (it would count twice), or a threshold that can never be met or asks for nothing.
 */
export async function importLogTrust(
  backend: CryptoBackend,
  configuration: LogTrustConfiguration,
): Promise<LogTrust> {
  const log = await imported(backend, configuration.log)
  if (log.type !== 'ed25519' || !isOrigin(log.name)) throw invalid('the verifier key of the log is of no log')
  const { keys = [], threshold = 0 } = configuration.witnesses ?? {}
  if (keys.length > MAX_WITNESSES) throw invalid(`at most ${MAX_WITNESSES} witnesses`)
  const least = configuration.witnesses ? 1 : 0
  if (!Number.isSafeInteger(threshold) || threshold < least || threshold > keys.length) {
    throw invalid('the threshold is from 1 to the number of witnesses')
  }
  const witnesses: VerifierKey[] = []
  for (const text of keys) witnesses.push(await imported(backend, text))
  if (witnesses.some((key) => key.type !== 'cosignature')) throw invalid('a witness key is of another type')
  // A cosignature does not cover the witness's name: one key under two names would count twice.
  const distinct = new Set([log, ...witnesses].map((key) => toBase64(publicKeyBytes(key))))
  if (distinct.size !== 1 + witnesses.length) throw invalid('a key stands twice among log and witnesses')
  return { log, time: await timeVerifier(backend, log), witnesses: { keys: witnesses, threshold } }
}

async function imported(backend: CryptoBackend, text: string): Promise<VerifierKey> {
  try {
    return await parseVerifierKey(backend, text)
  } catch (cause) {
    const whole = String(text)
    const cut = whole.length > SHOWN_CHARACTERS ? ' (cut here)' : ''
    const shown = JSON.stringify(whole.slice(0, SHOWN_CHARACTERS)) + cut
    throw new KeyhavenError('CONFIG_INVALID', `${shown} is not a verifier key, or one mistyped`, { cause })
  }
}

function invalid(why: string): KeyhavenError {
  return new KeyhavenError('CONFIG_INVALID', why)
}
