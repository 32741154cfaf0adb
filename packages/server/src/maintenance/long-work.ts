/** Work that takes long: it says how far it is and can be stopped. */
export interface LongWork {
  /** @param total - what is known of it; it may grow. */
  readonly onProgress?: (done: number, total: number) => void
  /**
   * Stops between two batches; what is done stays done where the work can be resumed, otherwise nothing is
   * done.
   */
  readonly signal?: AbortSignal
}
