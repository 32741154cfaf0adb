import { Badge } from '@mantine/core'
import type { Device } from '../api/directory-devices.ts'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { describeDaysLeft, urgencyColour } from './days-left.ts'
import { DeviceName } from './device-name.tsx'
import { ProfileCell } from './profile-cell.tsx'
import { UserLink } from './user-link.tsx'

/** @param now - milliseconds since the epoch: when the list was read. */
export function expiringColumns(applicationId: string, now: number): readonly Column<Device>[] {
  return [
    {
      header: 'Left',
      cell: (device) => (
        <Badge miw="max-content" color={urgencyColour(device.expiresAt, now)}>
          {describeDaysLeft(device.expiresAt, now)}
        </Badge>
      ),
    },
    {
      header: 'User',
      cell: (device) => <UserLink applicationId={applicationId} username={device.username} />,
    },
    { header: 'Device', cell: (device) => <DeviceName device={device} /> },
    { header: 'Profile', cell: (device) => <ProfileCell profile={device.profile} /> },
    { header: 'Expires', cell: (device) => <Time at={device.expiresAt} /> },
  ]
}
