import { Paper, Text, Title } from '@mantine/core'
import type { Backfill } from '../api/identity-vault.ts'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { BACKFILL_STATES } from './identity-states.ts'
import { PartnerLink } from './partner-link.tsx'
import { StateBadge } from './state-badge.tsx'

/** How far credentials for IDAs are that came after people. */
export function Backfills({ backfills }: { readonly backfills: readonly Backfill[] }) {
  return (
    <section>
      <Title order={2} size="h4">
        Whoever was registered before
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        An IDA that comes later is given the credentials of everybody who is active, page by page.
      </Text>
      <Paper>
        <RecordTable
          label="Whoever was registered before"
          rows={backfills}
          rowKey={({ partner, policyId }) => `${partner} ${policyId}`}
          columns={BACKFILLS}
        />
      </Paper>
    </section>
  )
}

const BACKFILLS: readonly Column<Backfill>[] = [
  { header: 'Partner', wide: true, cell: ({ partner }) => <PartnerLink id={partner} /> },
  { header: 'Policy', cell: ({ policyId }) => <span className="kh-mono">{policyId}</span> },
  { header: 'State', cell: ({ state }) => <StateBadge look={BACKFILL_STATES[state]} /> },
  {
    header: 'People',
    cell: ({ people, total }) => `${people.toLocaleString()} of ${total.toLocaleString()}`,
  },
  { header: 'Issued', cell: ({ issued }) => issued.toLocaleString() },
  { header: 'Waiting', cell: ({ waiting }) => waiting.toLocaleString() },
  { header: 'Failed', cell: ({ failed }) => failed.toLocaleString() },
  { header: 'Last change', cell: ({ changedAt }) => <Time at={changedAt} /> },
]
