/** News of what changed in the database, here and in other processes. */
export interface StateChanges {
  /** The version seen last. */
  readonly version: number
  /** `performance.now()` of the last question to the database that was answered. */
  readonly lastConfirmedAt: number
  /** @param listener - gets an application id, or undefined for "everything". @returns stops listening. */
  onChange(listener: (applicationId: string | undefined) => void): () => void
  /** Asks the database now. @throws KeyhavenError `STORE_UNAVAILABLE`. */
  refresh(): Promise<void>
  /**
   * Returns at once if the database was asked within the last second, otherwise asks it. Call it before using
   * anything cached that a revocation must stop.
   * @throws KeyhavenError `STORE_UNAVAILABLE`: fail closed.
   */
  confirmFresh(): Promise<void> | undefined
}
