/** Label values of one series, by label name. */
export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(labels?: Labels, amount?: number): void
}

export interface Histogram {
  observe(value: number, labels?: Labels): void
}

/** One series in a form that can be sent between processes and added up. */
export interface MetricSnapshot {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[]
  /** By label text. A histogram's value: a count per bucket, then all, then the sum. */
  readonly series: Readonly<Record<string, readonly number[]>>
}

export interface MetricsRegistry {
  counter(name: string, help: string): Counter
  histogram(name: string, help: string, bounds: readonly number[]): Histogram
  /** Read when asked for. */
  gauge(name: string, help: string, read: () => number): void
  snapshot(): MetricSnapshot[]
}

/** A metric refuses further label sets beyond this, so that no caller can fill the memory. */
const MAX_SERIES = 2_000

/** Metrics of this process. */
export function createMetricsRegistry(): MetricsRegistry {
  const metrics: Array<() => MetricSnapshot> = []

  function cells(width: number) {
    const series = new Map<string, number[]>()
    const cell = (labels: Labels): number[] | undefined => {
      const key = labelText(labels)
      const found = series.get(key)
      if (found || series.size >= MAX_SERIES) return found
      const made = new Array<number>(width).fill(0)
      series.set(key, made)
      return made
    }
    return { series, cell }
  }

  return {
    counter(name, help) {
      const { series, cell } = cells(1)
      metrics.push(() => ({ name, help, type: 'counter', series: Object.fromEntries(series) }))
      return {
        add(labels = {}, amount = 1) {
          const values = cell(labels)
          if (values) values[0]! += amount
        },
      }
    },
    histogram(name, help, bounds) {
      const all = bounds.length
      const { series, cell } = cells(all + 2)
      metrics.push(() => ({ name, help, type: 'histogram', bounds, series: Object.fromEntries(series) }))
      return {
        observe(value, labels = {}) {
          const values = cell(labels)
          if (!values) return
          for (let i = 0; i < all; i++) if (value <= bounds[i]!) values[i]! += 1
          values[all]! += 1
          values[all + 1]! += value
        },
      }
    },
    gauge(name, help, read) {
      metrics.push(() => ({ name, help, type: 'gauge', series: { '': [read()] } }))
    },
    snapshot: () => metrics.map((read) => read()),
  }
}

/** Labels as the text format writes them, in a fixed order. */
function labelText(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length === 0) return ''
  return names
    .sort()
    .map((name) => `${name}="${escapeLabel(labels[name]!)}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
