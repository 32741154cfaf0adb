import { Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import {
  PARTNER_TYPES,
  type Partner,
  type PartnerFilter,
  type Subscription,
  usePartners,
  useWaitingSubscriptions,
} from '../api/identity-partners.ts'
import { useMay } from '../api/session.ts'
import { Empty } from '../parts/empty.tsx'
import { LoadMore } from '../parts/load-more.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordList } from '../parts/record-list.tsx'
import { type Column, RecordTable } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { DecideDialog, useDecision } from './decide-dialog.tsx'
import { PARTNER_STATES } from './identity-states.ts'
import { PartnerLink } from './partner-link.tsx'
import { StateBadge } from './state-badge.tsx'
import { decisionColumn } from './subscription-columns.tsx'

/** Who may get data or ask questions, and what waits for a decision. */
export function PartnersTab({ applicationId }: { readonly applicationId: string }) {
  const [filter, setFilter] = useState<PartnerFilter>({ state: '', type: '' })
  const query = usePartners(applicationId, filter)
  const filtered = filter.state !== '' || filter.type !== ''
  return (
    <Stack gap="lg">
      <WaitingSubscriptions applicationId={applicationId} />
      <section>
        <Group justify="space-between" align="flex-end" gap="sm" mb="sm">
          <Title order={2} size="h4">
            All partners
          </Title>
          <Group gap="sm">
            <NativeSelect
              aria-label="State"
              value={filter.state}
              onChange={({ currentTarget: { value } }) =>
                setFilter({ ...filter, state: value as PartnerFilter['state'] })
              }
              data={[
                { value: '', label: 'Every state' },
                ...Object.entries(PARTNER_STATES).map(([value, { label }]) => ({ value, label })),
              ]}
            />
            <NativeSelect
              aria-label="Type"
              value={filter.type}
              onChange={({ currentTarget: { value } }) =>
                setFilter({ ...filter, type: value as PartnerFilter['type'] })
              }
              data={[{ value: '', label: 'Every type' }, ...PARTNER_TYPES]}
            />
          </Group>
        </Group>
        <RecordList
          label="Partners"
          query={query}
          rowKey={({ id }) => id}
          columns={COLUMNS}
          more="Show more partners"
          empty={<NoPartner filtered={filtered} />}
        />
      </section>
    </Stack>
  )
}

/** Comes first, as it is what waits for the person who looks here. */
function WaitingSubscriptions({ applicationId }: { readonly applicationId: string }) {
  const query = useWaitingSubscriptions(applicationId)
  const mayDecide = useMay('partner-manager')
  const decision = useDecision()
  const rows = query.data?.pages.flatMap((page) => page.items)
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Subscriptions that wait
      </Title>
      {query.isError ? (
        <ProblemAlert error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <Paper>
          {rows?.length === 0 ? (
            <Text c="dimmed" size="sm" p="md">
              None: every partner that asked for a policy has an answer.
            </Text>
          ) : (
            <RecordTable
              label="Subscriptions that wait"
              rows={rows}
              rowKey={({ id }) => id}
              columns={mayDecide ? [...WAITING, decisionColumn(decision.choose)] : WAITING}
              loadingRows={1}
            />
          )}
          <LoadMore query={query}>Show more that wait</LoadMore>
        </Paper>
      )}
      <DecideDialog applicationId={applicationId} decision={decision} />
    </section>
  )
}

const WAITING: readonly Column<Subscription>[] = [
  { header: 'Partner', wide: true, cell: ({ partnerId }) => <PartnerLink id={partnerId} /> },
  { header: 'Policy', cell: ({ policyId }) => <span className="kh-mono">{policyId}</span> },
  { header: 'Purpose', cell: ({ purpose }) => purpose },
  { header: 'Asked', cell: ({ requestedAt }) => <Time at={requestedAt} /> },
]

const COLUMNS: readonly Column<Partner>[] = [
  {
    header: 'Partner',
    wide: true,
    cell: ({ id }) => <PartnerLink id={id} />,
  },
  { header: 'Organisation', cell: ({ organisation }) => organisation },
  { header: 'Type', cell: ({ type }) => <span className="kh-nowrap">{type}</span> },
  { header: 'State', cell: ({ state }) => <StateBadge look={PARTNER_STATES[state]} /> },
  { header: 'Last change', cell: ({ changedAt }) => <Time at={changedAt} /> },
]

function NoPartner({ filtered }: { readonly filtered: boolean }) {
  return filtered ? (
    <Empty icon="search" title="No partner is so">
      Choose another state or type above.
    </Empty>
  ) : (
    <Empty icon="users" title="No partner yet">
      Partners register themselves at the identity listener, or you do it with{' '}
      <span className="kh-mono">keyhaven identity partners register</span>.
    </Empty>
  )
}
