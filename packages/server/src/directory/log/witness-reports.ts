import type { Logger } from '../../platform/log/logger.ts'
import type { MetricsRegistry } from '../../platform/metrics/registry.ts'

/** Which log a witness was asked to cosign. */
export interface WitnessedPush {
  readonly applicationId: string
  /** The witness's key name. */
  readonly witness: string
}

/** Told how the witnesses fare. */
export interface WitnessReports {
  /** One attempt failed. @param first - since the witness last cosigned this log. */
  failed(push: WitnessedPush, error: unknown, first: boolean): void
  /** It cosigned, after attempts that failed. */
  recovered(push: WitnessedPush): void
}

export const NO_WITNESS_REPORTS: WitnessReports = { failed() {}, recovered() {} }

/** Logs the begin and the end of a failure, so that a witness that is down for a day is two lines; counts all of it. */
export function createWitnessReports(logger: Logger, metrics: MetricsRegistry): WitnessReports {
  const failures = metrics.counter(
    'keyhaven_witness_failures_total',
    'Checkpoints that a witness was asked to cosign and did not, each attempt.',
  )
  return {
    failed(push, error, first) {
      failures.add({ witness: push.witness })
      if (first) logger.error({ ...push, err: error }, 'a witness does not cosign: it is asked again')
    },
    recovered(push) {
      logger.info({ ...push }, 'the witness cosigns again')
    },
  }
}
