import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { Application } from '../api/applications.ts'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { applicationPath } from './application-path.ts'

export const APPLICATION_COLUMNS: readonly Column<Application>[] = [
  { header: 'Application', wide: true, cell: (application) => <NameCell application={application} /> },
  {
    header: 'Root key',
    cell: ({ trust }) => (
      <span className="kh-nowrap">{trust.mode === 'online' ? 'On this server' : 'Offline'}</span>
    ),
  },
  { header: 'Keys', cell: ({ keyCounts }) => keySummary(keyCounts) },
  {
    header: 'Created',
    cell: ({ createdAt }) => (
      <span className="kh-nowrap">
        <Time at={createdAt} />
      </span>
    ),
  },
]

function NameCell({ application }: { readonly application: Application }) {
  return (
    <Stack gap={2}>
      <Group gap={8}>
        <Anchor component={Link} href={applicationPath(application.id)} fw={600} size="sm">
          {application.name}
        </Anchor>
        {application.isDefault && <Badge size="sm">Default</Badge>}
      </Group>
      <Text span c="dimmed" size="sm" className="kh-mono">
        {application.id}
      </Text>
    </Stack>
  )
}

function keySummary(counts: Application['keyCounts']): string {
  const live = (['active', 'pending', 'retiring'] as const).filter((state) => counts[state] > 0)
  if (live.length === 0) return 'No live key'
  return live.map((state) => `${counts[state]} ${state}`).join(', ')
}
