import { Group, Paper, SegmentedControl, Text } from '@mantine/core'
import { useState } from 'react'
import { EXPIRY_WINDOWS, type ExpiryWindow, useExpiringDevices } from '../api/directory-devices.ts'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordTable } from '../parts/record-table.tsx'
import { expiringColumns } from './expiring-columns.tsx'

/** `7d` as a person reads it. */
function windowLabel(window: ExpiryWindow): string {
  return `${Number.parseInt(window, 10)} days`
}

/** Devices that nobody can write to soon, unless they renew. */
export function ExpiringTab({ applicationId }: { readonly applicationId: string }) {
  const [window, setWindow] = useState<ExpiryWindow>('30d')
  const query = useExpiringDevices(applicationId, window)
  const rows = query.data?.pages.flatMap((page) => page.items)
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Text c="dimmed" size="sm" flex="1 1 300px">
          A device renews by itself while its app is used. One that stays here has not been used for a while:
          ask its user to open the app before the last day.
        </Text>
        <SegmentedControl
          aria-label="Within how many days"
          value={window}
          onChange={(next) => setWindow(next as ExpiryWindow)}
          data={EXPIRY_WINDOWS.map((value) => ({ value, label: windowLabel(value) }))}
        />
      </Group>
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <Empty icon="clock" title={`No device expires within ${windowLabel(window)}`}>
              Nothing to do. To look further ahead, choose more days above.
            </Empty>
          ) : (
            <RecordTable
              label="Devices that expire soon"
              rows={rows}
              rowKey={(device) => `${device.username} ${device.device}`}
              columns={expiringColumns(applicationId, query.dataUpdatedAt)}
            />
          )}
          <LoadMore query={query}>Show more devices</LoadMore>
        </Paper>
      )}
    </>
  )
}
