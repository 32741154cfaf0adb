import type { Config, Finding } from '@keyhaven/server/maintenance'
import { ADVICE } from '../advice.ts'
import type { Context } from '../context.ts'
import { withProgress } from '../local/progress-work.ts'
import { type Check, failed, ok, warning } from './check.ts'

/** Database, schema, master key, rollback anchor and audit log, without changing anything. */
export async function checkState(context: Context, json: boolean, config: Config): Promise<Check[]> {
  const { inspect } = await import('@keyhaven/server/maintenance')
  const findings = await withProgress(context, json, 'audit log', (work) => inspect(config, work))
  return findings.map(toCheck)
}

function toCheck({ part, state, detail, code }: Finding): Check {
  switch (state) {
    case 'good':
      return ok(part, detail)
    case 'new':
      return ok(part, `${detail}; the first start makes it`)
    case 'old':
      return warning(part, detail, 'The next start of the server applies them; make a backup before.')
    case 'bad':
      return failed(
        part,
        detail,
        code === undefined
          ? 'Keep the database as it is, and compare it with a backup: somebody may have changed it.'
          : ADVICE[code],
      )
  }
}
