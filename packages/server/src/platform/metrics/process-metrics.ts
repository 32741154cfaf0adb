import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricsRegistry } from './registry.ts'

const MICROSECONDS_PER_SECOND = 1_000_000
const NANOSECONDS_PER_SECOND = 1_000_000_000
const LAG_RESOLUTION_MS = 20

/** What Prometheus' own client libraries report of a process, as far as it says something here. */
export function addProcessMetrics(metrics: MetricsRegistry): void {
  metrics.gauge('keyhaven_processes', 'Processes of this server.', () => 1)
  metrics.gauge('process_cpu_seconds_total', 'CPU time used, in seconds.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / MICROSECONDS_PER_SECOND
  })
  metrics.gauge('process_resident_memory_bytes', 'Memory in RAM, in bytes.', () => process.memoryUsage.rss())
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  lag.enable()
  metrics.gauge('keyhaven_event_loop_lag_p99_seconds', 'Event loop delay since the last reading.', () => {
    const seconds = lag.percentile(99) / NANOSECONDS_PER_SECOND
    lag.reset()
    return seconds
  })
}
