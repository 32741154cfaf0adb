import type { SafetyNumber } from '@keyhaven/messaging'
import type { OpenDevice } from './open-device.ts'

/** Comparing, out of band, whether two people see the same keys. */
export interface SafetyNumbers {
  /** 60 digits to read to each other, and the text of a QR code. */
  safetyNumber(username: string): Promise<SafetyNumber>
  /** The text of the QR code alone. */
  qr(username: string): Promise<string>
  /** Compares the other's digits or QR text with one's own. */
  matches(username: string, compared: string): Promise<boolean>
  /**
   * Marks somebody as verified; accepts a chain that was reset, too.
   *
   * @param compared - the other's digits or QR text.
   * @throws KeyhavenError `INPUT_INVALID` if they differ, `LOG_INCONSISTENT` if the other is shown another log.
   */
  markVerified(username: string, compared: string): Promise<void>
  unmark(username: string): Promise<void>
  /** Asks the directory: a mark drops when the keys change outside the chain. */
  isVerified(username: string): Promise<boolean>
}

export function createSafetyNumbers({ messenger }: OpenDevice): SafetyNumbers {
  const { verification } = messenger
  return {
    safetyNumber: (username) => verification.safetyNumber(username),
    qr: async (username) => (await verification.safetyNumber(username)).qr,
    matches: (username, compared) => verification.matches(username, compared.trim()),
    markVerified: (username, compared) => verification.markVerified(username, compared.trim()),
    unmark: (username) => verification.unmark(username),
    isVerified: (username) => verification.isVerified(username),
  }
}
