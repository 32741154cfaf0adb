/** What two people compare, each on their own device, by voice or by QR. */
export interface SafetyNumber {
  /** 60 digits in 12 groups of 5, with spaces. The same on both sides. */
  readonly digits: string
  /** Text for a QR code. */
  readonly qr: string
}

export interface Verification {
  safetyNumber(username: string): Promise<SafetyNumber>
  /** Compares digits that were read out, or the text of the other's QR code, with the own. */
  matches(username: string, compared: string): Promise<boolean>
  /**
   * Marks a contact verified. Also accepts a chain that was reset.
   *
   * @param compared - the other's digits or QR text.
   * @throws KeyhavenError `INPUT_INVALID` if they do not match, `LOG_INCONSISTENT` if the other side sees another log.
   */
  markVerified(username: string, compared: string): Promise<void>
  unmark(username: string): Promise<void>
  /** Asks the directory first, so that a mark of a chain that was reset or broken has dropped. */
  isVerified(username: string): Promise<boolean>
  /**
   * Accepts the new chain of a contact after a reset.
   *
   * @throws KeyhavenError `CHAIN_RESET` for a contact that was verified: {@link markVerified} anew.
   */
  acceptReset(username: string): Promise<void>
}
