import type { LongWork } from '@keyhaven/server/maintenance'
import { interrupted } from '../command-error.ts'
import type { Context } from '../context.ts'
import { createProgress } from '../terminal/progress.ts'

/** Runs long work with a progress bar; Ctrl-C stops it between two batches. */
export async function withProgress<T>(
  context: Context,
  json: boolean,
  label: string,
  run: (work: Required<LongWork>) => Promise<T>,
): Promise<T> {
  const progress = createProgress(context, label, json)
  const controller = new AbortController()
  const stop = (): void => controller.abort(interrupted())
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await run({ onProgress: (done, total) => progress.update(done, total), signal: controller.signal })
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    progress.finish()
  }
}
