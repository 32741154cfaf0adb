import type { Usage, UsagePoint, UsageWindow } from '../api/usage.ts'

export type AdoptionBy = 'key' | 'version'

/** One band of the chart. `name` is safe as a property path, `label` is what people read. */
export interface AdoptionBand {
  readonly name: string
  readonly label: string
}

/** One step in time: when it began, and the requests of each band, by the band's name. */
export interface AdoptionRow {
  readonly at: string
  readonly requests: Readonly<Record<string, number>>
}

export interface AdoptionSeries {
  readonly bands: readonly AdoptionBand[]
  readonly rows: readonly AdoptionRow[]
}

const HOUR_MS = 3_600_000
const STEP_MS: Readonly<Record<UsageWindow, number>> = {
  '24h': HOUR_MS,
  '7d': 6 * HOUR_MS,
  '30d': 24 * HOUR_MS,
}
/** More bands cannot be told apart; the rest is added up. */
const BANDS_MAX = 6
const OTHERS = 'Others'

/** The usage answer as rows of equal steps, also where nothing happened, with the busiest bands first. */
export function adoptionSeries(usage: Usage, window: UsageWindow, by: AdoptionBy): AdoptionSeries {
  const step = STEP_MS[window]
  const labelOf = (point: UsagePoint): string => (by === 'key' ? `Key ${point.keyId}` : point.appVersion)
  const labels = busiest(usage.series, labelOf)
  const bands = labels.map((label, index) => ({ name: `band${index}`, label }))
  const nameOf = new Map(bands.map(({ name, label }) => [label, name]))
  const totals = new Map<number, Record<string, number>>()
  const first = Math.floor(Date.parse(usage.from) / step) * step
  for (let at = first; at < Date.parse(usage.to); at += step) totals.set(at, {})
  for (const point of usage.series) {
    const at = Math.floor(Date.parse(point.hour) / step) * step
    const name = nameOf.get(labelOf(point)) ?? nameOf.get(OTHERS)
    if (name === undefined) continue
    const row = totals.get(at) ?? {}
    row[name] = (row[name] ?? 0) + point.requests
    totals.set(at, row)
  }
  const rows = [...totals.entries()]
    .sort(([a], [b]) => a - b)
    .map(([at, requests]) => ({ at: new Date(at).toISOString(), requests }))
  return { bands, rows }
}

function busiest(points: readonly UsagePoint[], labelOf: (point: UsagePoint) => string): string[] {
  const totals = new Map<string, number>()
  for (const point of points) {
    totals.set(labelOf(point), (totals.get(labelOf(point)) ?? 0) + point.requests)
  }
  const labels = [...totals.entries()].sort((a, b) => b[1] - a[1]).map(([label]) => label)
  return labels.length <= BANDS_MAX ? labels : [...labels.slice(0, BANDS_MAX), OTHERS]
}
