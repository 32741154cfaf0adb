import type { Keyhaven } from '@keyhaven/sdk'

export interface Traffic {
  /** Ends it, after the calls that run. */
  stop(): Promise<{ readonly calls: number; readonly failed: number }>
}

/** Pause of each app between two calls. */
const PAUSE_MS = 10

/** Apps that call without a break, one call at a time each. */
export function startTraffic(apps: readonly Keyhaven[], call: (app: Keyhaven) => Promise<Response>): Traffic {
  let running = true
  let calls = 0
  let failed = 0
  const loops = apps.map(async (app) => {
    while (running) {
      calls += 1
      await call(app)
        .then((answer) => answer.arrayBuffer())
        .catch(() => {
          failed += 1
        })
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  })
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      return { calls, failed }
    },
  }
}
