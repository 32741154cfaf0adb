import { Badge, Group, Paper, Text, Title } from '@mantine/core'
import type { KeyUsage, Usage } from '../api/usage.ts'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { formatShare } from './format-share.ts'
import { StateBadge } from './state-badge.tsx'

const COLUMNS: readonly Column<KeyUsage>[] = [
  {
    header: 'Key',
    cell: (key) => (
      <Group gap={8} wrap="nowrap">
        <Text span fw={650} size="sm">
          {key.keyId}
        </Text>
        <StateBadge state={key.state} />
      </Group>
    ),
  },
  { header: 'Requests', align: 'number', cell: (key) => formatShare(key.requestShare) },
  { header: 'Installations', align: 'number', cell: (key) => key.installations.toLocaleString() },
  { header: 'Last used', cell: (key) => <Time at={key.lastUsedAt} absent="Never" /> },
  { header: 'If revoked now', cell: (key) => <VerdictCell usage={key} /> },
]

/** For each key that still opens calls: its share, and whether it could go. */
export function KeyVerdicts({ usage }: { readonly usage: Usage | undefined }) {
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        When is it safe to revoke?
      </Title>
      <Paper>
        <RecordTable
          label="Verdict for each key"
          rows={usage?.keys.filter((key) => key.state !== 'revoked')}
          rowKey={(key) => key.id}
          columns={COLUMNS}
          loadingRows={2}
        />
      </Paper>
    </section>
  )
}

function VerdictCell({ usage: { verdict } }: { readonly usage: KeyUsage }) {
  return (
    <Group gap={8}>
      <Badge color={verdict.safe ? 'green' : 'orange'}>{verdict.safe ? 'Safe' : 'Not yet'}</Badge>
      <Text span size="sm">
        {verdict.text}
      </Text>
    </Group>
  )
}
