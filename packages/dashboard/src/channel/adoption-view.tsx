import { Skeleton } from '@mantine/core'
import { lazy, Suspense, useMemo } from 'react'
import type { Usage, UsageWindow } from '../api/usage.ts'
import { CHART_HEIGHT_PX } from './adoption-chart-height.ts'
import { type AdoptionBy, adoptionSeries } from './adoption-series.ts'
import { AdoptionTable } from './adoption-table.tsx'

export type AdoptionForm = 'chart' | 'table'

/** The chart library is larger than all the rest of the page, so it comes only when it is looked at. */
const AdoptionChart = lazy(async () => {
  const { AdoptionChart: component } = await import('./adoption-chart.tsx')
  return { default: component }
})

interface AdoptionViewProps {
  readonly usage: Usage
  readonly window: UsageWindow
  readonly by: AdoptionBy
  readonly form: AdoptionForm
}

/** The same numbers as a chart or as a table. */
export function AdoptionView({ usage, window, by, form }: AdoptionViewProps) {
  const series = useMemo(() => adoptionSeries(usage, window, by), [usage, window, by])
  const label = `Requests over time by ${by === 'key' ? 'key' : 'app version'}`
  if (form === 'table') return <AdoptionTable series={series} label={label} />
  return (
    <Suspense fallback={<Skeleton height={CHART_HEIGHT_PX} radius="md" />}>
      <AdoptionChart series={series} window={window} label={`${label}. Choose “Table” for the numbers.`} />
    </Suspense>
  )
}
