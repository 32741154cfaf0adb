import { argon2Sync } from 'node:crypto'

export const ARGON2ID_SALT_BYTES = 16
/** What a file may ask of this machine, so that a forged one cannot take all memory. */
const MAX_MEMORY_KIB = 1_048_576
const MAX_PASSES = 16
const MAX_LANES = 16
/** RFC 9106 §3.1. */
const MIN_MEMORY_KIB_PER_LANE = 8

/** What a guess costs whoever has the file but not the passphrase (RFC 9106 §3.1). */
export interface Argon2idCost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes. */
export const ARGON2ID_COST: Argon2idCost = { memoryKiB: 65_536, passes: 3, lanes: 4 }

/** Whether a cost that was read from a file is one, within bounds: ask before {@link argon2id}. */
export function isArgon2idCost(
  cost: {
    readonly [Name in keyof Argon2idCost]: unknown
  },
): cost is Argon2idCost {
  const { memoryKiB, passes, lanes } = cost
  return (
    isBetween(memoryKiB, 1, MAX_MEMORY_KIB) &&
    isBetween(passes, 1, MAX_PASSES) &&
    isBetween(lanes, 1, MAX_LANES) &&
    memoryKiB >= MIN_MEMORY_KIB_PER_LANE * lanes
  )
}

/**
 * Derives a key from a passphrase: Argon2id, version 1.3 (RFC 9106). At {@link ARGON2ID_COST} it takes 64 MiB
 * and a fraction of a second, during which nothing else runs.
 *
 * @param passphrase - not kept.
 * @param salt - {@link ARGON2ID_SALT_BYTES} random bytes, stored beside what the key locks.
 * @param length - of the key, in bytes.
 */
export function argon2id(
  passphrase: Uint8Array,
  salt: Uint8Array,
  cost: Argon2idCost,
  length: number,
): Uint8Array {
  return argon2Sync('argon2id', {
    message: passphrase,
    nonce: salt,
    parallelism: cost.lanes,
    tagLength: length,
    memory: cost.memoryKiB,
    passes: cost.passes,
  })
}

function isBetween(value: unknown, minimum: number, maximum: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}
