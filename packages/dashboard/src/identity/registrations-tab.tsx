import { Anchor, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import {
  REGISTRATION_STAGES,
  type Registration,
  type RegistrationStage,
  useRegistrationCounts,
  useRegistrations,
} from '../api/identity-registrations.ts'
import { Empty } from '../parts/empty.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { RecordList } from '../parts/record-list.tsx'
import type { Column } from '../parts/record-table.tsx'
import { Time } from '../parts/time.tsx'
import { identityRecordPath } from './identity-path.ts'
import { STAGES } from './identity-states.ts'
import { StateBadge } from './state-badge.tsx'

const BUTTON_PX = 30

/** How far people's registrations are; nothing of the people. */
export function RegistrationsTab({ applicationId }: { readonly applicationId: string }) {
  const [stage, setStage] = useState<RegistrationStage | ''>('')
  const query = useRegistrations(applicationId, stage)
  return (
    <Stack gap="md">
      <StageFilter applicationId={applicationId} stage={stage} onChange={setStage} />
      <RecordList
        label="Registrations"
        query={query}
        rowKey={({ rid }) => rid}
        columns={COLUMNS}
        more="Show older registrations"
        empty={<NoRegistration stage={stage} />}
      />
    </Stack>
  )
}

interface StageFilterProps {
  readonly applicationId: string
  readonly stage: RegistrationStage | ''
  readonly onChange: (stage: RegistrationStage | '') => void
}

/** Each stage with its count; a click shows only those. */
function StageFilter({ applicationId, stage, onChange }: StageFilterProps) {
  const { data, isError, error, refetch } = useRegistrationCounts(applicationId)
  if (isError) return <ProblemAlert error={error} onRetry={() => refetch()} />
  const total = data && Object.values(data.counts).reduce((sum, count) => sum + count, 0)
  const choices = [
    { value: '', label: 'All', count: total },
    ...REGISTRATION_STAGES.map((value) => ({
      value,
      label: STAGES[value].label,
      count: data?.counts[value],
    })),
  ] as const
  return (
    <Group gap={8} role="group" aria-label="By stage">
      {choices.map(({ value, label, count }) => (
        <Button
          key={value}
          size="compact-sm"
          h={BUTTON_PX}
          variant={stage === value ? 'filled' : 'default'}
          aria-pressed={stage === value}
          onClick={() => onChange(value)}
          rightSection={
            count === undefined ? <Skeleton width={14} height={14} /> : <span>{count.toLocaleString()}</span>
          }
        >
          {label}
        </Button>
      ))}
    </Group>
  )
}

const COLUMNS: readonly Column<Registration>[] = [
  {
    header: 'Registration',
    wide: true,
    cell: ({ rid }) => (
      <Anchor
        component={Link}
        href={identityRecordPath('registrations', rid)}
        fw={600}
        size="sm"
        className="kh-mono kh-nowrap"
      >
        {rid}
      </Anchor>
    ),
  },
  { header: 'Stage', cell: ({ stage }) => <StateBadge look={STAGES[stage]} /> },
  {
    header: 'Reason',
    cell: ({ reason }) =>
      reason === null ? (
        '–'
      ) : (
        <Text span size="sm" lineClamp={2} title={reason} style={{ overflowWrap: 'anywhere' }} miw={120}>
          {reason}
        </Text>
      ),
  },
  { header: 'Station', cell: ({ refId }) => <span className="kh-mono kh-nowrap">{refId}</span> },
  { header: 'Received', cell: ({ receivedAt }) => <Time at={receivedAt} /> },
  { header: 'Last change', cell: ({ changedAt }) => <Time at={changedAt} /> },
]

function NoRegistration({ stage }: { readonly stage: RegistrationStage | '' }) {
  if (stage !== '') {
    return (
      <Empty icon="search" title={`No registration is “${STAGES[stage].label}” now`}>
        Choose another stage above, or All.
      </Empty>
    )
  }
  return (
    <Empty icon="person" title="No registration yet">
      One appears here when a registered machine uploads a packet:{' '}
      <span className="kh-mono">keyhaven packet build</span> makes one. Machines and centres are in the next
      part.
    </Empty>
  )
}
