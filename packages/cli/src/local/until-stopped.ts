const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Waits for SIGINT or SIGTERM, then closes the server. A second signal ends the process at once. */
export async function untilStopped(close: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve())
  })
  await close()
}
