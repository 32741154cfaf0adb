import { Anchor, Paper, Title } from '@mantine/core'
import { Link } from 'wouter'
import type { PartnerDetails, Subscription } from '../api/identity-partners.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { DecideDialog, useDecision } from './decide-dialog.tsx'
import { identityRecordPath } from './identity-path.ts'
import { SUBSCRIPTION_STATES } from './identity-states.ts'
import { StateBadge } from './state-badge.tsx'
import { decisionColumn } from './subscription-columns.tsx'

interface PartnerSubscriptionsProps {
  readonly applicationId: string
  readonly partner: PartnerDetails
}

/** The policies that a partner asked for. */
export function PartnerSubscriptions({ applicationId, partner }: PartnerSubscriptionsProps) {
  const mayDecide = useMay('partner-manager')
  const decision = useDecision()
  const rows = partner.subscriptions.toSorted((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1))
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Subscriptions
      </Title>
      <Paper>
        {rows.length === 0 ? (
          <Empty icon="log" title="It has asked for no policy">
            Without an approved policy it gets nothing. It asks for one at the identity listener.
          </Empty>
        ) : (
          <RecordTable
            label="Subscriptions"
            rows={rows}
            rowKey={({ id }) => id}
            columns={mayDecide ? [...COLUMNS, decisionColumn(decision.choose)] : COLUMNS}
          />
        )}
      </Paper>
      <DecideDialog applicationId={applicationId} decision={decision} />
    </section>
  )
}

const COLUMNS: readonly Column<Subscription>[] = [
  {
    header: 'Policy',
    wide: true,
    cell: ({ policyId }) => (
      <Anchor
        component={Link}
        href={identityRecordPath('policies', policyId)}
        fw={600}
        size="sm"
        className="kh-mono"
      >
        {policyId}
      </Anchor>
    ),
  },
  { header: 'State', cell: ({ state }) => <StateBadge look={SUBSCRIPTION_STATES[state]} /> },
  { header: 'Purpose', cell: ({ purpose }) => purpose },
  { header: 'Asked', cell: ({ requestedAt }) => <Time at={requestedAt} /> },
  { header: 'Decided', cell: ({ decidedAt }) => <Time at={decidedAt} absent="Not yet" /> },
  { header: 'Reason', cell: ({ reason }) => reason || '–' },
]
