import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import type { UsageWindow } from '../api/usage.ts'
import { CHART_HEIGHT_PX } from './adoption-chart-height.ts'
import type { AdoptionSeries } from './adoption-series.ts'
import { stepLabel } from './step-label.ts'

const COLOURS = ['haven.6', 'orange.6', 'blue.6', 'grape.5', 'lime.7', 'pink.6', 'gray.5'] as const

interface AdoptionChartProps {
  readonly series: AdoptionSeries
  readonly window: UsageWindow
  /** What the picture shows, in words. */
  readonly label: string
}

/** Requests over time in stacked bars. It is a picture: the table beside it says the same to everybody. */
export function AdoptionChart({ series, window, label }: AdoptionChartProps) {
  return (
    <div role="img" aria-label={label}>
      <BarChart
        h={CHART_HEIGHT_PX}
        type="stacked"
        data={series.rows.map((row) => ({ at: stepLabel(row.at, window), ...row.requests }))}
        dataKey="at"
        series={series.bands.map((band, index) => ({
          name: band.name,
          label: band.label,
          color: COLOURS[index] ?? 'gray.5',
        }))}
        withLegend
        legendProps={{ verticalAlign: 'bottom', height: 44 }}
        valueFormatter={(value) => value.toLocaleString()}
        barProps={{ isAnimationActive: false }}
        barChartProps={{ accessibilityLayer: false }}
        tooltipAnimationDuration={0}
        maxBarWidth={36}
      />
    </div>
  )
}
