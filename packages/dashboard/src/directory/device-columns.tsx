import { Stack, Text } from '@mantine/core'
import type { Device } from '../api/directory-devices.ts'
import { dangerColumn } from '../parts/danger-column.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { describeDaysLeft } from './days-left.ts'
import { DeviceBadge } from './device-badge.tsx'
import { DeviceName } from './device-name.tsx'
import { ProfileCell } from './profile-cell.tsx'

/**
 * @param now - milliseconds since the epoch: when the list was read.
 * @param onRevoke - absent for whoever may not revoke a device.
 */
export function deviceColumns(
  now: number,
  onRevoke: ((device: Device) => void) | undefined,
): readonly Column<Device>[] {
  const columns: Column<Device>[] = [
    { header: 'Device', wide: true, cell: (device) => <DeviceName device={device} /> },
    { header: 'State', cell: (device) => <StatusCell device={device} /> },
    { header: 'Profile', cell: (device) => <ProfileCell profile={device.profile} /> },
    { header: 'Expires', cell: (device) => <ExpiryCell device={device} now={now} /> },
    { header: 'Last entry', cell: (device) => <Time at={device.lastEntryAt} /> },
  ]
  if (onRevoke === undefined) return columns
  return [
    ...columns,
    dangerColumn({
      text: 'Revoke',
      label: ({ name, device }) => `Revoke the device ${name === '' ? device : name}`,
      offered: ({ status }) => status !== 'revoked',
      onClick: onRevoke,
    }),
  ]
}

/** The status, with the date of the end where one is set. */
function StatusCell({ device }: { readonly device: Device }) {
  return (
    <Stack gap={3} align="flex-start">
      <DeviceBadge status={device.status} />
      {device.endedAt !== null && (
        <Text c="dimmed" size="xs">
          <Time before={device.status === 'revoked' ? 'since' : 'ends'} at={device.endedAt} />
        </Text>
      )}
    </Stack>
  )
}

function ExpiryCell({ device, now }: { readonly device: Device; readonly now: number }) {
  return (
    <Stack gap={3}>
      <Time at={device.expiresAt} />
      {device.status === 'valid' && (
        <Text c="dimmed" size="xs">
          {describeDaysLeft(device.expiresAt, now)} left
        </Text>
      )}
    </Stack>
  )
}
