import type { MetricSnapshot } from './registry.ts'

export const PROMETHEUS_MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Adds up what several processes counted. Gauges are added too: each process reports its own share. */
export function mergeSnapshots(processes: ReadonlyArray<readonly MetricSnapshot[]>): MetricSnapshot[] {
  const merged = new Map<string, MetricSnapshot & { series: Record<string, number[]> }>()
  for (const metric of processes.flat()) {
    const target = merged.get(metric.name) ?? { ...metric, series: {} }
    merged.set(metric.name, target)
    for (const [labels, values] of Object.entries(metric.series)) {
      const sum = target.series[labels]
      target.series[labels] = sum ? sum.map((value, i) => value + (values[i] ?? 0)) : [...values]
    }
  }
  return [...merged.values()]
}

/** The text exposition format 0.0.4 of Prometheus. */
export function prometheusText(metrics: readonly MetricSnapshot[]): string {
  return metrics.map(metricText).join('')
}

function metricText(metric: MetricSnapshot): string {
  const lines = [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`]
  for (const [labels, values] of Object.entries(metric.series)) {
    if (metric.bounds) lines.push(...histogramLines(metric.name, labels, metric.bounds, values))
    else lines.push(`${metric.name}${labels && `{${labels}}`} ${values[0]}`)
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(
  name: string,
  labels: string,
  bounds: readonly number[],
  values: readonly number[],
): string[] {
  const bucket = (bound: string, count: number | undefined) =>
    `${name}_bucket{${labels && `${labels},`}le="${bound}"} ${count}`
  const suffix = labels && `{${labels}}`
  return [
    ...bounds.map((bound, i) => bucket(String(bound), values[i])),
    bucket('+Inf', values[bounds.length]),
    `${name}_sum${suffix} ${values[bounds.length + 1]}`,
    `${name}_count${suffix} ${values[bounds.length]}`,
  ]
}
