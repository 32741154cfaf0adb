import { Text } from '@mantine/core'
import type { ApiToken } from '../api/tokens.ts'
import { dangerColumn } from '../parts/danger-column.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'

/** @param onDelete - absent for whoever may not delete a token. */
export function tokenColumns(onDelete: ((token: ApiToken) => void) | undefined): readonly Column<ApiToken>[] {
  const columns: Column<ApiToken>[] = [
    {
      header: 'Name',
      cell: (token) => (
        <Text span fw={600} size="sm">
          {token.name}
        </Text>
      ),
    },
    { header: 'Roles', cell: (token) => token.roles.join(', ') },
    { header: 'Created', cell: (token) => <Time at={token.createdAt} /> },
    { header: 'Expires', cell: (token) => <Time at={token.expiresAt} absent="Never" /> },
    { header: 'Last used', cell: (token) => <Time at={token.lastUsedAt} absent="Never" /> },
  ]
  if (onDelete === undefined) return columns
  return [
    ...columns,
    dangerColumn({
      text: 'Delete',
      label: (token) => `Delete the token ${token.name}`,
      onClick: onDelete,
    }),
  ]
}
