import { Badge, Group } from '@mantine/core'
import type { DirectoryUser } from '../api/directory-users.ts'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { UserLink } from './user-link.tsx'

export function userColumns(applicationId: string): readonly Column<DirectoryUser>[] {
  return [
    {
      header: 'User',
      wide: true,
      cell: (user) => (
        <Group gap={8}>
          <UserLink applicationId={applicationId} username={user.username} />
          {user.chain > 0 && (
            <Badge size="sm" color="grape" title="An operator reset this user; a new chain began.">
              {user.chain === 1 ? 'Reset once' : `Reset ${user.chain} times`}
            </Badge>
          )}
        </Group>
      ),
    },
    { header: 'Devices', cell: (user) => describeDevices(user.devices) },
    { header: 'Since', cell: (user) => <Time at={user.createdAt} /> },
    { header: 'Last change', cell: (user) => <Time at={user.changedAt} /> },
  ]
}

function describeDevices(count: number): string {
  if (count === 0) return 'None is valid'
  return count.toLocaleString()
}
