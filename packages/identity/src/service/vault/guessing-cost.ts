import type { CryptoBackend } from '@keyhaven/crypto'
import { oprfInput } from '../../oprf/person-secrets.ts'
import { blindInput } from '../../oprf/voprf.ts'
import type { Profile } from '../../profile.ts'
import { idHash, idHashModulo } from '../../vault/id-hash.ts'

/**
 * UINs that may be given: of the 800,000,000 with ten digits, a first one from 2 to 9 and the right check digit,
 * those that keep `UIN_RULES`, counted one by one. A thief tries no others.
 */
export const UIN_CANDIDATES = 58_106_898
const FIRST_UIN = 2_000_000_000
const DEFAULT_MEASURE_MS = 100
const BATCH = 16
const MS_PER_SECOND = 1_000

/** What a thief has besides the IDA's database. */
export interface Stolen {
  /** K18, or pool keys that it has unwrapped. */
  readonly poolKey: boolean
  /** The secret key of the oblivious PRF. */
  readonly oprfKey: boolean
}

export interface GuessEffort {
  /** Measured here, with one core. */
  readonly guessesPerSecond: number
  readonly candidates: number
  /** For all candidates, with one core. Somebody with a thousand needs a thousandth. */
  readonly seconds: number
}

/** Undefined: it cannot be had by guessing, however long. */
export interface GuessingCost {
  /** To learn who is enrolled, and under which number. */
  readonly enrolled: GuessEffort | undefined
  /** To read the data of everybody. */
  readonly data: GuessEffort | undefined
}

export interface GuessingOptions {
  readonly profile: Profile
  readonly stolen: Stolen
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
  /** @defaultValue 100 */
  readonly measureMs?: number
}

/**
 * What guessing all UINs costs a thief, computed from the speed of one guess that is measured now. In `mosip` a
 * guess is two hashes, which give a person's name in the table; with the pool key the rest is one decryption a
 * person. In `keyhaven` a guess is an evaluation of the oblivious PRF, and needs its key.
 */
export async function guessingCost(
  backend: CryptoBackend,
  { profile, stolen, monotonic, measureMs = DEFAULT_MEASURE_MS }: GuessingOptions,
): Promise<GuessingCost> {
  if (profile === 'keyhaven' && !stolen.oprfKey) return { enrolled: undefined, data: undefined }
  const guess =
    profile === 'mosip'
      ? async (id: string) => {
          await idHashModulo(backend, id)
          await idHash(backend, id, 'a salt as long as those that are used')
        }
      : // One hash to the group and one multiplication: what evaluating with the key at hand costs.
        async (id: string) => {
          await blindInput(oprfInput('demo', id))
        }
  const effort = await measure(guess, monotonic, measureMs)
  return { enrolled: effort, data: stolen.poolKey ? effort : undefined }
}

async function measure(
  guess: (id: string) => Promise<void>,
  monotonic: () => number,
  measureMs: number,
): Promise<GuessEffort> {
  let guesses = 0
  const startedAt = monotonic()
  let elapsed = 0
  while (elapsed < measureMs) {
    for (let turn = 0; turn < BATCH; turn++) await guess(String(FIRST_UIN + guesses++))
    elapsed = monotonic() - startedAt
  }
  const guessesPerSecond = (guesses * MS_PER_SECOND) / elapsed
  return { guessesPerSecond, candidates: UIN_CANDIDATES, seconds: UIN_CANDIDATES / guessesPerSecond }
}
