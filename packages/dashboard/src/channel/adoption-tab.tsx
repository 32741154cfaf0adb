import { Group, Paper, SegmentedControl, Skeleton, Stack } from '@mantine/core'
import { useState } from 'react'
import { type UsageWindow, useUsage } from '../api/usage.ts'
import { Empty } from '../parts/empty.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { CHART_HEIGHT_PX } from './adoption-chart-height.ts'
import type { AdoptionBy } from './adoption-series.ts'
import { AdoptionSummary } from './adoption-summary.tsx'
import { type AdoptionForm, AdoptionView } from './adoption-view.tsx'
import { KeyVerdicts } from './key-verdicts.tsx'
import { WindowControl } from './window-control.tsx'

/** Who uses which key, over time, and what that means for revoking one. */
export function AdoptionTab({ applicationId }: { readonly applicationId: string }) {
  const [window, setWindow] = useState<UsageWindow>('24h')
  const [by, setBy] = useState<AdoptionBy>('key')
  const [form, setForm] = useState<AdoptionForm>('chart')
  const { data: usage, isError, error, refetch } = useUsage(applicationId, window)
  if (isError && usage === undefined) return <ProblemAlert error={error} onRetry={() => refetch()} />
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <SegmentedControl
            size="xs"
            aria-label="Group by"
            value={by}
            onChange={(next) => setBy(next as AdoptionBy)}
            data={[
              { value: 'key', label: 'By key' },
              { value: 'version', label: 'By app version' },
            ]}
          />
          <SegmentedControl
            size="xs"
            aria-label="Show as"
            value={form}
            onChange={(next) => setForm(next as AdoptionForm)}
            data={[
              { value: 'chart', label: 'Chart' },
              { value: 'table', label: 'Table' },
            ]}
          />
        </Group>
        <WindowControl value={window} onChange={setWindow} />
      </Group>
      <AdoptionSummary usage={usage} />
      <Paper p="md" mih={CHART_HEIGHT_PX + 34}>
        {usage === undefined ? (
          <Skeleton height={CHART_HEIGHT_PX} radius="md" />
        ) : usage.series.length === 0 ? (
          <Empty icon="chart" title="No sealed call in this time">
            Connect an app with the SDK code of a key, or look further back.
          </Empty>
        ) : (
          <AdoptionView usage={usage} window={window} by={by} form={form} />
        )}
      </Paper>
      <KeyVerdicts usage={usage} />
    </Stack>
  )
}
