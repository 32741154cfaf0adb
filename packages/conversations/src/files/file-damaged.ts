import { KeyhavenError } from '@keyhaven/crypto'

/** The one answer for stored bytes that are not those of the message: which of them is wrong stays unsaid. */
export function fileDamaged(): KeyhavenError {
  return new KeyhavenError('FILE_DAMAGED', 'the stored file is not the one that was sent: ask for it again')
}

/** What does not decrypt is damaged; every other failure is what it is. */
export async function* orDamaged<T>(pieces: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  try {
    yield* pieces
  } catch (error) {
    throw asDamaged(error)
  }
}

export function asDamaged(error: unknown): unknown {
  const isDamage = error instanceof KeyhavenError && DAMAGE.includes(error.code)
  return isDamage ? fileDamaged() : error
}

/** The last two from the header of the file, which is read only after it was authenticated. */
const DAMAGE: readonly string[] = ['OPEN_FAILED', 'WIRE_MALFORMED', 'WIRE_TOO_LARGE']
