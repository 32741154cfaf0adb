import { run as runGrowth } from './directory-growth.ts'
import { run as runNegotiations } from './message-negotiation.ts'
import { runManySessions, runOneSession } from './message-session.ts'
import type { Row } from './row.ts'

/** Messages and negotiations beside other libraries; then the directory as users and log grow. */
export async function run(): Promise<Row[]> {
  return [
    ...(await runNegotiations()),
    ...(await runOneSession()),
    ...(await runManySessions()),
    ...(await runGrowth()),
  ]
}
