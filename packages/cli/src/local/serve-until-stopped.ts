import type { Output } from '../terminal/output.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Says that the server is ready, waits for SIGINT or SIGTERM, then closes it. A second signal ends the
 * process at once.
 */
export async function serveUntilStopped(
  output: Output,
  server: { readonly close: () => Promise<void> },
  describe: () => string,
): Promise<void> {
  const { close, ...started } = server
  const stopped = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve())
  })
  output.line({ event: 'started', ...started }, describe)
  await stopped
  await close()
}
